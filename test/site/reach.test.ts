import { describe, expect, it } from 'vitest';
import type { Host } from '../../src/site/host.ts';
import { udpAsk, udpListen } from '../../src/site/verbs/reach.ts';

const udpPorts = { first: 47_790, last: 47_799 };
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the verbs look at the policy alone
const host = { policy: { host: 'h1', siteBridges: [], udpPorts } } as unknown as Host;
const token = 'a'.repeat(32);
const listen = (port: number) =>
  udpListen(host, { input: { port, token, seconds: 2 } } as Parameters<typeof udpListen>[1]);
const ask = (asked: string) =>
  udpAsk(host, {
    input: { address: '127.0.0.1', port: 47_799, token: asked, sender: 'alpine/h1', seconds: 1 },
  } as Parameters<typeof udpAsk>[1]);

describe('a UDP trial', () => {
  it('tells both ends that a datagram arrived and its answer came back', async () => {
    const [{ heard }, answer] = await Promise.all([listen(47_799), ask(token)]);
    expect(heard).toEqual(['alpine/h1']);
    expect(answer.answered).toBe(true);
  });

  it('does not answer a datagram of another trial', async () => {
    const [{ heard }, answer] = await Promise.all([listen(47_799), ask('b'.repeat(32))]);
    expect(heard).toEqual([]);
    expect(answer.answered).toBe(false);
  });

  it('is refused on a port that the policy does not allow', async () => {
    await expect(listen(47_800)).rejects.toMatchObject({ kind: 'Forbidden' });
  });
});
