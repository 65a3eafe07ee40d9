import type { Duplex } from 'node:stream';
import ssh2, { type ClientChannel } from 'ssh2';
import { Failure } from '../domain/failure.ts';
import { Semaphore } from './semaphore.ts';
import { collectAnswer } from './ssh-channel.ts';
import { fingerprint } from './ssh-key.ts';
import { hostKeyAlgorithms, hostKeyChanged, unreachable } from './ssh-terms.ts';

/** sshd's default allows ten sessions per connection. */
const channelsPerConnection = 8;
const readyTimeoutMs = 15_000;
const openTimeoutMs = 10_000;

/** One machine on the way. */
export interface Hop {
  /** For messages: `site ucsd, physical-frontend (192.0.2.7)`. */
  where: string;
  address: string;
  port: number;
  user: string;
  /** Fingerprint that its host key must have. */
  hostKey: string;
}

/** An authenticated connection. It is used until it breaks, and never again. */
export interface SshConnection {
  readonly broken: boolean;
  /** Runs `mvc-site` there (the account may run nothing else). @throws {Failure} unless it ended with status 0. */
  ask(request: Buffer, signal: AbortSignal): Promise<string>;
  /**
   * Opens a TCP connection from there.
   *
   * @param to the host at its other end, for the failure if that one is not there.
   */
  openTunnel(address: string, port: number, to?: { name: string; where: string }): Promise<Duplex>;
  close(): void;
}

/**
 * Connects and authenticates.
 *
 * @param socket through which to speak, e.g. a tunnel; by default a TCP connection of its own.
 * @throws {Failure} HostKeyChanged before anything secret was sent, AccessDenied, Unreachable.
 */
export function connectSsh(hop: Hop, privateKey: string, socket?: Duplex): Promise<SshConnection> {
  const client = new ssh2.Client();
  let broken: Failure | undefined;
  let offered: string | undefined;
  return new Promise((resolve, reject) => {
    const breakWith = (failure: Failure) => {
      broken ??= failure;
      client.destroy();
      socket?.destroy();
      reject(broken);
    };
    // Several errors may come for one connection, some after its end: the listener stays.
    client.on('error', (error) => breakWith(connectFailure(hop, error, offered)));
    const onEnd = () => breakWith(unreachable(hop.where, 'the connection was closed'));
    client.on('close', onEnd);
    // A tunnel that ends at the far side is told by `end` alone.
    client.on('end', onEnd);
    socket?.on('end', onEnd).on('close', onEnd);
    const line: Line = { hop, client, isBroken: () => broken !== undefined, breakWith };
    client.on('ready', () => resolve(createConnection(line)));
    try {
      client.connect({
        ...(socket ? { sock: socket } : { host: hop.address, port: hop.port }),
        username: hop.user,
        // The key at once: to ask first what is allowed costs a round trip.
        authHandler: ['publickey'],
        privateKey,
        readyTimeout: readyTimeoutMs,
        keepaliveInterval: 5000,
        keepaliveCountMax: 2,
        algorithms: { serverHostKey: hostKeyAlgorithms },
        // Must not be async: a promise counts as consent.
        hostVerifier: (key: Buffer): boolean => {
          offered = fingerprint(key);
          return offered === hop.hostKey;
        },
      });
    } catch (error) {
      breakWith(
        new Failure('AccessDenied', `the private key for ${hop.where} is not an OpenSSH key`, {
          cause: error,
        }),
      );
    }
  });
}

/** A client that has been connected, and how it ends. */
interface Line {
  hop: Hop;
  client: ssh2.Client;
  isBroken: () => boolean;
  breakWith: (failure: Failure) => void;
}

function createConnection(line: Line): SshConnection {
  const { hop, client } = line;
  const channels = new Semaphore(channelsPerConnection);
  return {
    get broken() {
      return line.isBroken();
    },
    ask: (request, signal) =>
      channels.run(async () => {
        signal.throwIfAborted();
        const channel = await openChannel<ClientChannel>(line, (callback) =>
          client.exec('mvc-site', callback),
        );
        return collectAnswer(channel, hop.where, request, signal);
      }),
    openTunnel: (address, port, to) =>
      openChannel<ClientChannel>(
        line,
        (callback) => client.forwardOut('127.0.0.1', 0, address, port, callback),
        (error) => tunnelFailure(hop, error, to),
      ).then((stream) => stream.on('error', () => undefined)),
    close: () => client.destroy(),
  };
}

type OpenCallback<C> = (error: Error | undefined, channel: C) => void;

/** ssh2 itself waits for ever when the other end does not answer. */
function openChannel<C>(
  { hop, client, breakWith }: Line,
  open: (callback: OpenCallback<C>) => void,
  failureOf = (error: Error) => channelFailure(hop, error),
): Promise<C> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const failure = unreachable(hop.where, `no channel opened within ${openTimeoutMs} ms`);
      breakWith(failure);
      reject(failure);
    }, openTimeoutMs);
    const onClose = () => reject(unreachable(hop.where, 'the connection was cut'));
    client.once('close', onClose);
    const settle = (settled: () => void) => {
      clearTimeout(timer);
      client.removeListener('close', onClose);
      settled();
    };
    try {
      open((error, channel) => settle(() => (error ? reject(failureOf(error)) : resolve(channel))));
    } catch (error) {
      const failure = unreachable(hop.where, error);
      breakWith(failure);
      settle(() => reject(failure));
    }
  });
}

/** RFC 4254: the machine answers, but not what it was to connect to. */
const connectFailed = 2;

function tunnelFailure(hop: Hop, error: Error, to?: { name: string; where: string }): Failure {
  if (!to || (error as { reason?: unknown }).reason !== connectFailed) {
    return channelFailure(hop, error);
  }
  const why = `${hop.where} could not connect to it: ${error.message}`;
  return new Failure('Unreachable', `${to.where} cannot be reached: ${why}`, {
    host: to.name,
    cause: error,
  });
}

function channelFailure(hop: Hop, error: Error): Failure {
  const reason = (error as { reason?: unknown }).reason;
  if (reason === 1) {
    return new Failure('AccessDenied', `${hop.where} forbids that connection: ${error.message}`, {
      cause: error,
      help: 'the line in its authorized_keys must allow the tunnel: see `mvc site prepare`',
    });
  }
  if (reason !== undefined) {
    return new Failure('Busy', `${hop.where} opens no further channel: ${error.message}`, {
      cause: error,
    });
  }
  return unreachable(hop.where, error);
}

function connectFailure(hop: Hop, error: Error & { level?: string }, offered?: string): Failure {
  if (offered !== undefined && offered !== hop.hostKey) {
    return hostKeyChanged(hop.where, offered, hop.hostKey);
  }
  if (error.level === 'client-authentication') {
    return new Failure('AccessDenied', `${hop.where} does not accept our key for ${hop.user}`, {
      cause: error,
      help: 'its administrator runs the script of `mvc site prepare` there, with this worker’s public key',
    });
  }
  return unreachable(hop.where, error);
}
