import { describe, expect, it } from 'vitest';
import { Failure } from '../../src/domain/failure.ts';
import { createLog } from '../../src/workers/log.ts';

function logged(write: (log: ReturnType<typeof createLog>) => void): {
  text: string;
  entries: Record<string, unknown>[];
} {
  const lines: string[] = [];
  write(createLog('control', { write: (line: string) => lines.push(line) }));
  return {
    text: lines.join(''),
    entries: lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

const canary = 'Canary-4711';
const pem = `-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb${canary}\n-----END OPENSSH PRIVATE KEY-----`;

describe("a worker's log", () => {
  it('is one JSON object per line, with the level in words and the time', () => {
    const { entries } = logged((log) => log.warn({ cluster: 'demo' }, 'it is late'));
    expect(entries).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
        worker: 'control',
        pid: process.pid,
        cluster: 'demo',
        msg: 'it is late',
      },
    ]);
  });

  it.each<[string, unknown]>([
    ['a field with the name of a secret', { password: canary }],
    ['such a field in another case', { PGPASSWORD: canary, ApiKey: canary, 'api-key': canary }],
    ['one that is deep', { a: { b: { c: { d: { token: canary } } } } }],
    ['one in a list', { accounts: [{ passphrase: canary }, [{ secret: { of: canary } }]] }],
    ['a private key under another name', { text: `key: ${pem}` }],
    ['a private key that was cut', { text: pem.slice(0, -10) }],
    ['a password in an address', { url: `postgres://mvc:${canary}@db.example.org/mvc` }],
    ['a bearer token', { header: `Authorization: Bearer ${canary}` }],
    ['a buffer', { bytes: Buffer.from(canary) }],
    ['the message of an error', { err: new Error(`could not use ${pem}`) }],
    ['the cause of an error', { error: new Failure('BadInput', 'no', { cause: new Error(pem) }) }],
    [
      'what a foreign error carries with it',
      { error: Object.assign(new Error('no'), { config: { auth: canary }, stderr: canary }) },
    ],
    ['a task token of the engine', { taskToken: canary }],
  ])('does not tell %s', (_, fields) => {
    const { text, entries } = logged((log) => log.error(fields as object, 'it failed'));
    expect(entries).toHaveLength(1);
    expect(text).not.toContain(canary);
    expect(text).not.toContain(Buffer.from(canary).toString('base64'));
    expect(text).not.toContain(JSON.stringify([...Buffer.from(canary)]).slice(1, -1));
  });

  it('does not tell a private key that stands in the message', () => {
    const { text } = logged((log) => log.info(`read ${pem}`));
    expect(text).not.toContain(canary);
    expect(text).toContain('read [secret]');
  });

  it('keeps what helps: names of hosts, fingerprints, and the kind and help of a failure', () => {
    const failure = new Failure('HostKeyChanged', 'another key', { host: 'h1', help: 'look' });
    const { entries } = logged((log) => log.warn({ error: failure, hostKey: 'SHA256:abc' }, 'no'));
    expect(entries[0]).toMatchObject({
      hostKey: 'SHA256:abc',
      error: { kind: 'HostKeyChanged', message: 'another key', host: 'h1', help: 'look' },
    });
  });

  it('ends with something that refers to itself', () => {
    const round: Record<string, unknown> = { name: 'round' };
    round['again'] = round;
    expect(logged((log) => log.info(round, 'round')).entries).toHaveLength(1);
  });
});
