import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Failure } from '../../src/domain/failure.ts';
import { parseDestination, runOverSsh, sshArguments } from '../../src/cli/run-over-ssh.ts';
import { FakeSsh } from '../helpers/fake-ssh.ts';

let ssh: FakeSsh;
let said: string[];

beforeEach(() => {
  ssh = new FakeSsh();
  said = [];
  vi.stubEnv('PATH', ssh.path);
});
afterEach(() => {
  vi.unstubAllEnvs();
  ssh.remove();
});

const run = (script: string) =>
  runOverSsh({ host: 'h1', script, to: { address: 'h1.example.org' } }, (line) => said.push(line));

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Failure);
  return error as Failure;
}

describe('a script over the person’s own ssh', () => {
  it('is read by a shell of root there, and what it says is heard', async () => {
    await run('echo "it\'s $((6 * 7))"\necho trouble >&2\n');
    expect(said.toSorted()).toEqual(["it's 42", 'trouble']);
    expect(ssh.calls()[0]?.args).not.toContain('-l');
  });

  it('is read by sudo where the person is not root', async () => {
    ssh.become(1000);
    await run('echo done\n');
    expect(said).toEqual(['by sudo', 'done']);
  });

  it('cannot steer the terminal', async () => {
    await run(String.raw`printf '\033[2Jcleared\n'`);
    expect(said).toEqual([String.raw`\x1b[2Jcleared`]);
  });

  it('that fails tells where, how and what it said last', async () => {
    const failure = await failureOf(run('echo "mvc: no apt-get" >&2; exit 3'));
    expect(failure).toMatchObject({ kind: 'CommandFailed', host: 'h1' });
    expect(failure.message).toBe('h1 (h1.example.org): the script ended with 3: mvc: no apt-get');
  });

  it('says who may run it where sudo wants a password', async () => {
    ssh.become(1000);
    ssh.refuseSudo();
    const failure = await failureOf(run('echo never'));
    expect(failure.kind).toBe('AccessDenied');
    expect(failure.help).toContain('NOPASSWD');
  });

  it.each([
    ['Host key verification failed.', 'HostKeyChanged'],
    ['root@h1: Permission denied (publickey).', 'AccessDenied'],
    ['ssh: connect to host h1 port 22: Connection refused', 'Unreachable'],
  ])('that ssh cannot bring there (%s) is %s', async (words, kind) => {
    ssh.behave(`echo '${words}' >&2; exit 255`);
    const failure = await failureOf(run('echo never'));
    expect(failure.kind).toBe(kind);
    expect(failure.message).toContain(words);
    expect(failure.help).toContain('ssh h1.example.org');
  });

  it('needs ssh on this machine', async () => {
    vi.stubEnv('PATH', '/nowhere');
    expect(await failureOf(run('echo never'))).toMatchObject({ kind: 'MissingTool' });
  });
});

describe('the words for ssh', () => {
  it('leave all that was not said to the person’s own settings', () => {
    expect(sshArguments({ to: parseDestination('alpine') }).slice(0, -1)).toEqual([
      '-T',
      '-o',
      'BatchMode=no',
      '--',
      'alpine',
    ]);
  });

  it('name the account, the port, and the way', () => {
    const words = sshArguments({
      to: parseDestination('root@192.168.10.11'),
      through: parseDestination('alice@alpine.example.org:2222'),
      knownAs: 'h1.alpine',
    }).join(' ');
    expect(words).toContain('-J alice@alpine.example.org:2222');
    expect(words).toContain('-o HostKeyAlias=h1.alpine');
    expect(words).toContain('-l root -- 192.168.10.11');
    expect(sshArguments({ to: parseDestination('a:2222') }).join(' ')).toContain('-p 2222 -- a');
  });

  it.each(['', '-oProxyCommand=id', 'a b', 'a;id', '$(id)@a', '-l@a', 'a@b@c', 'a:0', 'a:b', "a'"])(
    'are never made of %j',
    (text) => {
      expect(() => parseDestination(text)).toThrow(/^the host to reach by ssh .* is not valid/);
    },
  );
});
