import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';

const program = '/usr/bin/chromium';
const switches = [
  'no-sandbox',
  'disable-gpu',
  'disable-quic',
  'no-first-run',
  'disable-background-networking',
  'disable-component-update',
  'disable-sync',
].map((name) => `--${name}`);

/** A headless browser that knows nothing yet. @throws {Error} if Debian's chromium is not installed. */
export async function openBrowser(): Promise<{ page: Page; close(): Promise<void> }> {
  if (!existsSync(program)) {
    throw new Error(
      `${program} is missing, and this test drives a real browser: apt-get install --no-install-recommends chromium`,
    );
  }
  const profile = await mkdtemp(join(tmpdir(), 'mvc-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: program,
    headless: true,
    args: switches,
    viewport: { width: 1440, height: 900 },
  });
  const page = await context.newPage();
  // Beside other tests the page has been seen to take half a minute.
  page.setDefaultTimeout(60_000);
  return {
    page,
    close: async () => {
      await context.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
