import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { labExecArgv } from '../../../src/lab/lab.ts';

/** A datagram as its receiver sees it: the address may be that of a NAT. */
export interface Heard {
  address: string;
  port: number;
  text: string;
}

export interface UdpProgram {
  send(address: string, port: number, text: string): void;
  /** What came with this text, or nothing if it does not come in time. */
  hears(text: string, withinMs?: number): Promise<Heard | undefined>;
  end(): Promise<void>;
}

/** Runs inside the machine. It ends with its input, so that none is left over. */
const program = `
const socket = require('node:dgram').createSocket('udp4');
socket.on('error', () => {});
socket.on('message', (data, { address, port }) =>
  console.log(JSON.stringify({ address, port, text: data.toString() })));
socket.bind(Number(process.argv[1]), () => console.log('{"text":"bound"}'));
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { address, port, text } = JSON.parse(line);
  socket.send(text, port, address, () => {});
}).on('close', () => process.exit());
`;

/** A program inside a machine of the lab that sends from a UDP port, and hears what comes to it. */
export async function startUdpProgram(
  home: string,
  machine: string,
  port: number,
): Promise<UdpProgram> {
  const argv = ['/usr/bin/node', '-e', program, String(port)];
  const [command, ...args] = await labExecArgv({ home, machine, argv });
  const child = spawn(command, args, { cwd: '/', stdio: ['pipe', 'pipe', 'inherit'] });
  const heard: Heard[] = [];
  createInterface({ input: child.stdout }).on('line', (line) =>
    heard.push(JSON.parse(line) as Heard),
  );
  const hears = async (text: string, withinMs = 600) => {
    const end = Date.now() + withinMs;
    const find = () => heard.find((each) => each.text === text);
    while (find() === undefined && Date.now() < end) await sleep(10);
    return find();
  };
  if (!(await hears('bound', 20_000))) throw new Error(`no UDP program at ${machine}`);
  return {
    send: (address, to, text) =>
      child.stdin.write(`${JSON.stringify({ address, port: to, text })}\n`),
    hears,
    end: async () => {
      const closed = once(child, 'close');
      child.stdin.end();
      await closed;
    },
  };
}
