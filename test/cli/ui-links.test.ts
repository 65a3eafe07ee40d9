import { describe, expect, test } from 'vitest';
import { desktopOpener } from '../../src/cli/open-in-browser.ts';
import { UiLinks } from '../../src/cli/ui-links.ts';

const links = new UiLinks({ url: 'http://127.0.0.1:8233/', namespace: 'default' });
const workflows = 'http://127.0.0.1:8233/namespaces/default/workflows';

/** The parameters of a list's address as the web interface reads them. */
function parameters(address: string): Record<string, string> {
  const { origin, pathname, searchParams } = new URL(address);
  expect(`${origin}${pathname}`).toBe(workflows);
  return Object.fromEntries(searchParams);
}

describe('addresses in the web interface', () => {
  test('lists are queries over what operations say of themselves', () => {
    expect(parameters(links.operations)).toEqual({ query: 'MvcPhase IS NOT NULL' });
    expect(parameters(links.running)).toEqual({
      query: 'MvcPhase IS NOT NULL AND ExecutionStatus="Running"',
    });
    expect(parameters(links.operationsOn('demo'))).toEqual({
      query: 'MvcCluster="demo" AND MvcPhase IS NOT NULL',
    });
  });

  test('the view of what is parked is the list of it, with a name', () => {
    const { query } = parameters(links.parked);
    expect(query).toBe('MvcAttention=true AND ExecutionStatus="Running"');
    expect(parameters(links.saveParked)).toEqual({ query, savedQuery: 'Parked' });
  });

  test('an operation is shown where it says why it waits', () => {
    expect(links.operation({ cluster: 'demo', runId: '01a2' })).toBe(
      `${workflows}/cluster%3Ademo/01a2/user-metadata`,
    );
  });

  test('a namespace of another name is in the path', () => {
    const cloud = new UiLinks({ url: 'https://cloud.example', namespace: 'ns.acct' });
    expect(cloud.parked).toContain('https://cloud.example/namespaces/ns.acct/workflows?query=');
  });
});

test.each([
  ['a desktop with X', 'linux', { DISPLAY: ':0' }, 'xdg-open'],
  ['a desktop with Wayland', 'linux', { WAYLAND_DISPLAY: 'wayland-0' }, 'xdg-open'],
  ['a login over ssh', 'linux', { DISPLAY: '' }, undefined],
  ['macOS', 'darwin', {}, 'open'],
])('what opens an address on %s', (_, platform, env, opener) => {
  expect(desktopOpener(platform, env)).toBe(opener);
});
