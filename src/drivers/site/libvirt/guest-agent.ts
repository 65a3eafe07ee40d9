import { z } from 'zod';
import { Failure } from '../../../domain/failure.ts';
import type { SiteVerbInput, SiteVerbOutput } from '../../../domain/site-verbs.ts';
import type { Virsh } from './virsh.ts';

const keptBytes = 48 * 1024;
const agentTimeoutSeconds = 10;

const execAnswer = z.object({ return: z.object({ pid: z.int() }) });
const statusAnswer = z.object({
  return: z.object({
    exited: z.boolean(),
    exitcode: z.int().optional(),
    signal: z.int().optional(),
    'out-data': z.string().optional(),
    'err-data': z.string().optional(),
  }),
});

/** Starts a program in a running domain. Its input is no secret: it passes through arguments here. */
export async function execInGuest(
  virsh: Virsh,
  uuid: string,
  { argv, stdin }: Pick<SiteVerbInput<'guest.exec'>, 'argv' | 'stdin'>,
): Promise<SiteVerbOutput<'guest.exec'>> {
  const [path, ...arg] = argv;
  const answer = await ask(virsh, uuid, 'guest-exec', {
    path,
    arg,
    ...(stdin === undefined ? {} : { 'input-data': stdin }),
    'capture-output': true,
  });
  return { pid: execAnswer.parse(answer).return.pid };
}

/** Whether it has ended, and what it wrote. The agent forgets a program once it told of its end. */
export async function pollGuest(
  virsh: Virsh,
  uuid: string,
  pid: number,
): Promise<SiteVerbOutput<'guest.poll'>> {
  const status = statusAnswer.parse(await ask(virsh, uuid, 'guest-exec-status', { pid })).return;
  if (!status.exited) return { exited: false };
  return {
    exited: true,
    exitCode: status.exitcode ?? 128 + (status.signal ?? 0),
    stdout: cap(status['out-data']),
    stderr: cap(status['err-data']),
  };
}

async function ask(virsh: Virsh, uuid: string, execute: string, args: object): Promise<unknown> {
  const command = JSON.stringify({ execute, arguments: args });
  try {
    const output = await virsh(
      ['qemu-agent-command', '--timeout', String(agentTimeoutSeconds), '--domain', uuid, command],
      { timeoutMs: (agentTimeoutSeconds + 5) * 1000 },
    );
    return JSON.parse(output);
  } catch (error) {
    const silent =
      error instanceof Failure &&
      /agent (?:is not|didn't|not available|disappeared)|not running|timed out/i.test(
        error.message,
      );
    if (!silent) throw error;
    throw new Failure('Unreachable', `the guest agent does not answer: ${error.message}`, {
      cause: error,
    });
  }
}

function cap(data = ''): string {
  return Buffer.from(data, 'base64').subarray(0, keptBytes).toString('base64');
}
