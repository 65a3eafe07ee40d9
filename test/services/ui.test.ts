import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UiLinks } from '../../src/cli/ui-links.ts';
import { searchAttributes } from '../../src/domain/engine-names.ts';
import { freePort, openBrowser } from '../helpers/browser.ts';
import { startController, type TestController } from '../helpers/controller.ts';

const cluster = 'seen';
/** `MVC_UI_IMAGES=docs/images` makes the pictures of docs/temporal-ui.md anew. */
const images = process.env['MVC_UI_IMAGES'] ?? join(tmpdir(), 'mvc-ui-images');
/** What docs/temporal-ui.md says to add to the list. */
const { site: _, ...columns } = searchAttributes;
const spec = {
  name: cluster,
  origin: 'alpine',
  sites: [
    { name: 'alpine', computes: 1 },
    { name: 'beach', computes: 1 },
  ],
  overlay: { kind: 'memory' },
};

let controller: TestController;
let browser: Awaited<ReturnType<typeof openBrowser>>;
let page: Page;
let ui: string;
let links: UiLinks;

beforeAll(async () => {
  browser = await openBrowser();
  ({ page } = browser);
  const port = await freePort();
  links = new UiLinks({ url: `http://127.0.0.1:${port}`, namespace: 'default' });
  ui = `http://127.0.0.1:${port}/namespaces/default/workflows`;
  controller = await startController({ uiPort: port });
  await mkdir(images, { recursive: true });
});
afterAll(async () => {
  await browser?.close();
  await controller?.stop();
});

async function picture(name: string): Promise<void> {
  await page.screenshot({ path: join(images, `${name}.png`) });
}

/** Types into the visible editor of a form's JSON argument. */
async function typeJson(value: unknown): Promise<void> {
  await page.locator('[aria-label="Data"]:visible').click();
  await page.keyboard.insertText(JSON.stringify(value));
}

function clusterLink() {
  return page.getByRole('link', { name: `cluster:${cluster}`, exact: true }).first();
}

async function openList(address: string): Promise<void> {
  await page.goto(address);
  await clusterLink().waitFor();
}

/** The cells of the cluster's row, by the titles of their columns. */
async function clusterRow(): Promise<Record<string, string>> {
  const titles = await page.locator('thead th').allInnerTexts();
  const row = page.getByRole('row').filter({ has: clusterLink() }).first();
  const cells = await row.locator('td').allInnerTexts();
  return Object.fromEntries(titles.map((title, at) => [title.trim(), cells[at]?.trim() ?? '']));
}

describe("Temporal's UI in a browser", () => {
  it('starts a build from its form with one JSON argument', async () => {
    controller.world.addFault({
      site: 'beach',
      verb: 'startVms',
      when: 'before',
      kind: 'Forbidden',
    });
    const form = {
      workflowId: `cluster:${cluster}`,
      taskQueue: 'control',
      workflowType: 'buildCluster',
    };
    await page.goto(`${ui}/start-workflow?${new URLSearchParams(form).toString()}`);
    await typeJson(spec);
    // The editor formats what was typed when it is left, which moves the button.
    await page.getByRole('heading', { name: 'Start Workflow' }).click();
    await picture('ui-start');
    const answered = page.waitForResponse((each) => each.request().method() === 'POST');
    await page.getByTestId('start-workflow-button').click();
    expect((await answered).status()).toBe(200);
  });

  it('lists the parked build by a query, and says in words why it waits', async () => {
    await expect
      .poll(async () => (await controller.client.running(cluster))?.progress.steps, {
        timeout: 60_000,
      })
      .toContainEqual(expect.objectContaining({ site: 'beach', parked: expect.anything() }));
    await openList(links.parked);
    await clusterLink().click();
    await page.getByTestId('user-metadata-tab').click();
    // The UI shows markdown in a frame of its own.
    const details = page.locator('iframe:visible').first().contentFrame();
    await details.getByText('Parked.').first().waitFor();
    const site = details.getByRole('row').filter({ hasText: 'beach' }).first();
    expect(await site.innerText()).toContain('parked');
    await picture('ui-parked-details');
  });

  it('gets columns of cluster, phase and attention, once for this browser', async () => {
    await openList(links.running);
    await page.getByRole('button', { name: 'Configure Columns' }).click();
    for (const column of Object.values(columns)) {
      await page.getByRole('button', { name: `Add ${column}`, exact: false }).click();
    }
    for (const column of ['Run ID', 'End']) {
      await page.getByRole('button', { name: `Remove ${column}`, exact: false }).click();
    }
    await picture('ui-columns');
    await openList(links.running);
    expect(await clusterRow()).toMatchObject({
      [columns.cluster]: cluster,
      [columns.phase]: 'building',
      [columns.attention]: 'TRUE',
    });
  });

  it('keeps a view of what is parked, from an address that is opened once', async () => {
    await openList(links.saveParked);
    await page.goto(ui);
    const views = page.getByTestId('saved-views-button');
    await views.click();
    await picture('ui-views');
    await page.getByTestId('parked').click();
    await clusterLink().waitFor();
    expect(page.url()).toBe(links.parked);
    await picture('ui-parked-list');
  });

  it('opens an operation at the page that says why it waits', async () => {
    await page.goto(links.operation(await controller.client.latest(cluster)));
    const details = page.locator('iframe:visible').first().contentFrame();
    await details.getByText('Parked.').first().waitFor();
  });

  it('resumes it by Send an Update, and shows it completed', async () => {
    // The page has each menu and form twice, for narrow and for wide windows.
    const seen = (selector: string) => page.locator(`${selector}:visible`).first();
    await page.getByRole('button', { name: 'More Actions' }).click();
    await seen('[data-testid="update-button"]').click();
    await seen('[data-testid="update-select-button"]').click();
    await seen('[role="option"]').filter({ hasText: 'resume' }).click();
    await typeJson({});
    await seen('[data-testid="update-id"]').focus();
    await picture('ui-resume');
    await seen('[data-testid="confirm-modal-button"]').click();
    const ended = await controller.client.result(await controller.client.latest(cluster));
    expect(ended).toMatchObject({ phase: 'ready' });
    await openList(links.operationsOn(cluster));
    await page.getByText('Completed', { exact: true }).first().waitFor();
    await picture('ui-completed');
  });
});
