import { connect, type ConnectionOptions } from 'node:tls';
import { Failure } from '../domain/failure.ts';
import type { TemporalSettings } from './engine-settings.ts';

/** How long a server may take for the handshake and its first frame, ms. */
const patienceMs = 3_000;

/**
 * Says why the engine cannot be reached. gRPC tells of most causes only that its deadline was over,
 * so that the connection is tried by hand, down to the first frame of HTTP/2.
 */
export async function explainEngineTrouble(settings: TemporalSettings): Promise<Failure> {
  const { address, connection } = settings;
  if (connection.tls === undefined || connection.tls === false || connection.tls === null) {
    const outcome = await tryTls(address, { rejectUnauthorized: false });
    if (outcome === undefined || isAlert(outcome)) return speaksTls(address);
    return isOfPlainServer(outcome) ? servesNot(address) : noAnswer(address, outcome);
  }
  const tls = connection.tls === true ? {} : connection.tls;
  const outcome = await tryTls(tls.serverNameOverride ?? address, {
    ...hostAndPort(address),
    ...(tls.serverRootCACertificate ? { ca: Buffer.from(tls.serverRootCACertificate) } : {}),
    ...(tls.clientCertPair
      ? { cert: Buffer.from(tls.clientCertPair.crt), key: Buffer.from(tls.clientCertPair.key) }
      : {}),
  });
  return explainOutcome(address, outcome, tls.clientCertPair !== undefined);
}

function explainOutcome(
  address: string,
  outcome: NodeJS.ErrnoException | undefined,
  hasClientCertificate: boolean,
): Failure {
  if (outcome === undefined) return servesNot(address);
  if (isAlert(outcome)) {
    const what = hasClientCertificate
      ? 'our client certificate'
      : 'us without a client certificate';
    return new Failure('AccessDenied', `Temporal at ${address} refuses ${what}`, {
      help: 'client_cert_path and client_key_path of the profile must name a pair that the server trusts',
    });
  }
  if (isOfPlainServer(outcome)) {
    return new Failure('BadInput', `the server at ${address} does not speak TLS`, {
      help: 'check the address; or leave TLS out of the profile (tls.disabled = true)',
    });
  }
  if (isDistrust(outcome)) {
    const reason = outcome.message.replace(/\.$/, '');
    return new Failure('AccessDenied', `the certificate of ${address} is not trusted: ${reason}`, {
      help: 'server_ca_cert_path of the profile must name the authority that signed it, server_name the name in it',
    });
  }
  return noAnswer(address, outcome);
}

function servesNot(address: string): Failure {
  return new Failure('Unreachable', `Temporal at ${address} answers, but does not serve us`, {
    help: 'it may be starting; check the API key of the profile',
  });
}

function speaksTls(address: string): Failure {
  return new Failure('BadInput', `the server at ${address} speaks TLS, our settings do not`, {
    help: 'use a profile with a table tls, or set TEMPORAL_TLS=true',
  });
}

function noAnswer(address: string, error: NodeJS.ErrnoException): Failure {
  return new Failure(
    'Unreachable',
    `Temporal does not answer at ${address} (${error.code ?? error.message})`,
    { help: 'start the services with `mvc up`, or check the address in the settings' },
  );
}

/** A server that checks our certificate after the handshake may hang up without a word. */
const closedAfterHandshake = failed('ECONNRESET');

function failed(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}

/** The other side ended the handshake, or did after it: it wants another certificate of ours. */
function isAlert(error: NodeJS.ErrnoException): boolean {
  return error === closedAfterHandshake || /^ERR_SSL_.*ALERT/.test(error.code ?? '');
}

function isOfPlainServer({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER';
}

function isDistrust(error: NodeJS.ErrnoException): boolean {
  return /CERT|SIGNATURE|ISSUER|CRL/.test(error.code ?? '');
}

function hostAndPort(address: string): { host: string; port: number } {
  const { hostname, port } = new URL(`tls://${address}`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 7233) };
}

/** @returns nothing if the server sent a frame of HTTP/2; else what went wrong. */
async function tryTls(
  name: string,
  options: ConnectionOptions,
): Promise<NodeJS.ErrnoException | undefined> {
  const host = hostAndPort(name).host;
  const isName = !/^[\d.]+$|:/.test(host);
  const socket = connect({
    ...hostAndPort(name),
    ...options,
    ALPNProtocols: ['h2'],
    // Also an address is checked against the certificate, but must not be sent as a name.
    ...(isName ? { servername: host } : {}),
  });
  try {
    return await new Promise((resolve) => {
      let handshakeDone = false;
      const closed = (error: NodeJS.ErrnoException) =>
        resolve(handshakeDone && error.code === 'ECONNRESET' ? closedAfterHandshake : error);
      socket.setTimeout(patienceMs, () => resolve(failed('ETIMEDOUT')));
      socket.once('error', closed);
      socket.once('close', () => closed(failed('ECONNRESET')));
      socket.once('data', () => resolve(undefined));
      socket.once('secureConnect', () => {
        handshakeDone = true;
        socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
      });
    });
  } finally {
    socket.destroy();
  }
}
