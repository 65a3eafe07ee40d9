import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Failure } from '../domain/failure.ts';

/**
 * Opens an address in the browser of the desktop on which the command was given.
 *
 * @throws {Failure} MissingTool if there is no desktop, or nothing to open an address with.
 */
export async function openInBrowser(address: string): Promise<void> {
  const opener = desktopOpener(process.platform, process.env);
  if (opener === undefined) throw noBrowser('this is no desktop');
  // Some openers stay as long as the browser that they start: nothing waits for them.
  const child = spawn(opener, [address], { stdio: 'ignore', detached: true });
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw noBrowser(`${opener} is missing`, cause);
  }
  child.unref();
}

/** Undefined where a browser would have no screen, as in a login over ssh. */
export function desktopOpener(platform: string, env: NodeJS.ProcessEnv): string | undefined {
  if (platform === 'darwin') return 'open';
  return env['DISPLAY'] || env['WAYLAND_DISPLAY'] ? 'xdg-open' : undefined;
}

function noBrowser(why: string, cause?: unknown): Failure {
  return new Failure('MissingTool', `no browser can be opened here: ${why}`, {
    help: 'open the address that was printed yourself',
    cause,
  });
}
