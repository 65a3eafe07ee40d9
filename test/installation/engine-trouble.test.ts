import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MvcClient } from '../../src/client/mvc-client.ts';
import type { TemporalSettings } from '../../src/installation/engine-settings.ts';
import { explainEngineTrouble } from '../../src/installation/engine-trouble.ts';
import { TestAuthority, type KeyPair } from '../helpers/certificates.ts';
import { startTlsProxy, type TlsProxy } from '../helpers/tls-proxy.ts';

const name = 'temporal.example.org';
let directory: string;
let authority: TestAuthority;
let stranger: TestAuthority;
/** Refuses every call, but the handshake with nobody. */
let refusing: TlsProxy;
/** Ends the handshake with whoever shows no trusted certificate. */
let strict: TlsProxy;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mvc-trouble-'));
  authority = await TestAuthority.create(directory, 'authority');
  stranger = await TestAuthority.create(directory, 'stranger');
  const common = {
    target: '127.0.0.1:1',
    pair: await authority.issue(name),
    clientAuthority: authority.pair,
    admits: () => false,
  };
  refusing = await startTlsProxy({ ...common, requireCertificate: false });
  strict = await startTlsProxy({ ...common, requireCertificate: true });
});
afterAll(async () => {
  await refusing.close();
  await strict.close();
  await rm(directory, { recursive: true });
});

function settings(
  address: string,
  tls?: { trusts: TestAuthority; serverName?: string; client?: KeyPair },
): TemporalSettings {
  if (!tls) return { address, namespace: 'default', connection: { address } };
  const { trusts, serverName = name, client } = tls;
  return {
    address,
    namespace: 'default',
    connection: {
      address,
      tls: {
        serverNameOverride: serverName,
        serverRootCACertificate: Buffer.from(trusts.pair.cert),
        ...(client
          ? { clientCertPair: { crt: Buffer.from(client.cert), key: Buffer.from(client.key) } }
          : {}),
      },
    },
  };
}

describe('why an engine with TLS cannot be reached', () => {
  test('its authority is not the one that we trust', async () => {
    const failure = await explainEngineTrouble(settings(refusing.address, { trusts: stranger }));
    expect(failure).toMatchObject({
      kind: 'AccessDenied',
      message: expect.stringContaining(`certificate of ${refusing.address} is not trusted`),
      help: expect.stringContaining('server_ca_cert_path'),
    });
  });

  test('its certificate has another name', async () => {
    const failure = await explainEngineTrouble(
      settings(refusing.address, { trusts: authority, serverName: 'other.example.org' }),
    );
    expect(failure).toMatchObject({ kind: 'AccessDenied' });
    expect(failure.message).toContain('other.example.org');
  });

  test('it wants a client certificate', async () => {
    const failure = await explainEngineTrouble(settings(strict.address, { trusts: authority }));
    expect(failure.message).toBe(
      `Temporal at ${strict.address} refuses us without a client certificate`,
    );
  });

  test('it does not trust our client certificate', async () => {
    const client = await stranger.issue('worker');
    const failure = await explainEngineTrouble(
      settings(strict.address, { trusts: authority, client }),
    );
    expect(failure.message).toBe(`Temporal at ${strict.address} refuses our client certificate`);
  });

  test('our settings have no TLS', async () => {
    for (const { address } of [refusing, strict]) {
      expect(await explainEngineTrouble(settings(address))).toMatchObject({
        kind: 'BadInput',
        message: `the server at ${address} speaks TLS, our settings do not`,
      });
    }
  });

  test('with all as it should be the trouble is elsewhere', async () => {
    const client = await authority.issue('good-worker');
    for (const { address } of [refusing, strict]) {
      const failure = await explainEngineTrouble(settings(address, { trusts: authority, client }));
      expect(failure.message).toBe(`Temporal at ${address} answers, but does not serve us`);
    }
  });
});

test('a server without TLS is told as one', async () => {
  const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    expect(await explainEngineTrouble(settings(address, { trusts: authority }))).toMatchObject({
      kind: 'BadInput',
      message: `the server at ${address} does not speak TLS`,
    });
  } finally {
    server.close();
  }
});

test('a key that the engine refuses is told as such by the client', async () => {
  const { connection } = settings(refusing.address, { trusts: authority });
  await expect(
    MvcClient.connect({ connection: { ...connection, apiKey: 'wrong' } }),
  ).rejects.toMatchObject({ kind: 'AccessDenied', message: expect.stringContaining('our key') });
  expect(refusing.callers.at(-1)?.authorization).toBe('Bearer wrong');
});
