import { keepPaths } from '../drivers/overlay/routed/paths/keep-paths.ts';
import { fetchImage } from './images/fetch-image.ts';
import { serveImages } from './images/serve-images.ts';
import { createSiteShell } from './host.ts';
import { serveRequest } from './serve-request.ts';

/** Set when the program is bundled. */
declare const MVC_POLICY_FILE: string;

/** A request that hangs must not hold the host for ever; its outcome is then unknown to the caller. */
const requestLimitMs = 150_000;

process.umask(0o022);
// Programs that are started without our shell (the lock's holder) have the same environment.
process.env['PATH'] = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
process.env['LC_ALL'] = 'C';

/** Callers may give no arguments (the line in sudoers allows none): with them we start ourselves. */
const [mode, ...args] = process.argv.slice(2);
switch (mode) {
  case undefined:
    setTimeout(() => process.exit(70), requestLimitMs).unref();
    void serveRequest(process.stdin, MVC_POLICY_FILE).then((answer) => {
      process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0));
    });
    break;
  case 'serve-images': {
    const [address = '', port = '', directory = ''] = args;
    serveImages(address, Number(port), directory);
    break;
  }
  case 'fetch-image': {
    const [digest = '', size = '', address = '', port = '', pool = ''] = args;
    const order = { digest, size: Number(size), address, port: Number(port) };
    void fetchImage(createSiteShell(), pool, order);
    break;
  }
  case 'keep-paths': {
    const [directory = ''] = args;
    process.on('SIGTERM', () => process.exit(0));
    void keepPaths(directory, createSiteShell()).then(() => process.exit(0));
    break;
  }
  default:
    process.stderr.write(`mvc-site takes a request on stdin and no arguments, not ${mode}\n`);
    process.exitCode = 64;
}
