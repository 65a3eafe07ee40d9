import { serveRequest } from './serve-request.ts';

/** Set when the program is bundled. */
declare const MVC_POLICY_FILE: string;

process.umask(0o077);
// A request that hangs must not hold the host for ever; its outcome is then unknown to the caller.
setTimeout(() => process.exit(70), 120_000).unref();

void serveRequest(process.stdin, MVC_POLICY_FILE).then((answer) => {
  process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0));
});
