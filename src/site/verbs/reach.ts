import { createSocket, type Socket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { Failure } from '../../domain/failure.ts';
import type { SiteVerbOutput } from '../../domain/site-verbs.ts';
import { forwardsIpv4 } from '../../drivers/overlay/routed/forwarding.ts';
import { ownProgramDigest } from '../../transport/own-program.ts';
import type { Host } from '../host.ts';
import type { VerbCall } from '../verb-handler.ts';

const sendEveryMs = 250;
const maxSenders = 300;
const datagram = /^mvc-udp ([0-9a-f]{32}) ([a-z][a-z0-9-]{0,19}\/[a-z][a-z0-9-]{0,19})$/;

export async function hostCheck(
  host: Host,
  { input }: VerbCall<'host.check'>,
): Promise<SiteVerbOutput<'host.check'>> {
  return {
    clockMs: Date.now(),
    programDigest: await ownProgramDigest(),
    udpPorts: host.policy.udpPorts,
    missingBridges: input.bridges.filter((name) => !existsSync(`/sys/class/net/${name}/bridge`)),
    forbiddenBridges: input.bridges.filter((name) => !host.policy.siteBridges.includes(name)),
    forwardsIpv4: await forwardsIpv4(host.shell),
  };
}

/** An answer is no longer than its question, so that nobody gains by asking in another's name. */
export async function udpListen(
  host: Host,
  { input }: VerbCall<'udp.listen'>,
): Promise<SiteVerbOutput<'udp.listen'>> {
  const { first, last } = host.policy.udpPorts;
  if (input.port < first || input.port > last) {
    throw new Failure('Forbidden', `UDP port ${input.port} is not among ${first}–${last}`, {
      help: 'the host’s administrator allows ports in /etc/mvc/policy.json: `udpPorts`',
    });
  }
  const heard = new Set<string>();
  await withSocket(input.port, input.seconds, (socket) => {
    socket.on('message', (message, from) => {
      const [, token, sender] = datagram.exec(message.toString('latin1')) ?? [];
      if (token !== input.token || sender === undefined || heard.size >= maxSenders) return;
      heard.add(sender);
      socket.send(message, from.port, from.address);
    });
  });
  return { heard: [...heard].toSorted() };
}

export async function udpAsk(
  _host: Host,
  { input }: VerbCall<'udp.ask'>,
): Promise<SiteVerbOutput<'udp.ask'>> {
  const message = `mvc-udp ${input.token} ${input.sender}`;
  let sentAt = 0;
  let rttMs: number | undefined;
  await withSocket(0, input.seconds, (socket, end) => {
    const send = () => {
      sentAt = performance.now();
      socket.send(message, input.port, input.address);
    };
    const timer = setInterval(send, sendEveryMs);
    socket.on('close', () => clearInterval(timer));
    // From whichever address: a physical frontend answers its own site from the inner one. The token tells.
    socket.on('message', (answer) => {
      if (answer.toString('latin1') !== message) return;
      rttMs = performance.now() - sentAt;
      end();
    });
    send();
  });
  return rttMs === undefined ? { answered: false } : { answered: true, rttMs };
}

/** @throws {Failure} Busy if the port is in use. What a send meets on its way is no failure: it may be lost. */
function withSocket(
  port: number,
  seconds: number,
  use: (socket: Socket, end: () => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    const timer = setTimeout(() => socket.close(), seconds * 1000);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.syscall !== 'bind') return;
      clearTimeout(timer);
      reject(
        error.code === 'EADDRINUSE'
          ? new Failure('Busy', `UDP port ${port} is in use`)
          : new Failure('CommandFailed', `UDP port ${port}: ${error.message}`, { cause: error }),
      );
    });
    socket.bind(port, () => use(socket, () => socket.close()));
  });
}
