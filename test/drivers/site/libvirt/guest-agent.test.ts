import { describe, expect, it } from 'vitest';
import { Failure } from '../../../../src/domain/failure.ts';
import { execInGuest, pollGuest } from '../../../../src/drivers/site/libvirt/guest-agent.ts';

describe('the guest agent', () => {
  it('is asked in JSON whatever the arguments are', async () => {
    let sent: string[] = [];
    const argv = ['/bin/echo', `'"; rm -rf / #`, '$(x)', 'ü\n'];
    const answer = await execInGuest(
      async (args) => {
        sent = args;
        return '{"return":{"pid":42}}\n';
      },
      'the-uuid',
      { argv, stdin: 'aW4=' },
    );
    expect(answer).toEqual({ pid: 42 });
    expect(JSON.parse(sent.at(-1)!)).toEqual({
      execute: 'guest-exec',
      arguments: {
        path: argv[0],
        arg: argv.slice(1),
        'input-data': 'aW4=',
        'capture-output': true,
      },
    });
  });

  it('keeps 48 KiB of what a program wrote', async () => {
    const long = Buffer.alloc(100_000, 'x').toString('base64');
    const status = { return: { exited: true, exitcode: 0, 'out-data': long } };
    const answer = await pollGuest(async () => JSON.stringify(status), 'the-uuid', 1);
    expect(Buffer.from(answer.stdout!, 'base64')).toHaveLength(48 * 1024);
    expect(answer.stderr).toBe('');
  });

  it('tells a signal as shells do', async () => {
    const status = { return: { exited: true, signal: 9 } };
    const answer = await pollGuest(async () => JSON.stringify(status), 'the-uuid', 1);
    expect(answer.exitCode).toBe(137);
  });

  it.each([
    'error: Guest agent is not responding: QEMU guest agent is not connected',
    "error: Guest agent is not responding: guest agent didn't respond to command within '10' seconds",
    'error: Requested operation is not valid: domain is not running',
  ])('is Unreachable when virsh says %j', async (words) => {
    const silent = async () => {
      throw new Failure('CommandFailed', `virsh qemu-agent-command failed: ${words}`);
    };
    await expect(pollGuest(silent, 'the-uuid', 1)).rejects.toMatchObject({ kind: 'Unreachable' });
  });
});
