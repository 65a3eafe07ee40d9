import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Operation } from '../../src/domain/mark.ts';
import type { Edge, OverlayTable } from '../../src/domain/overlay.ts';
import type { Sealed } from '../../src/domain/sealed.ts';
import type { OverlayDriver } from '../../src/drivers/overlay/overlay-driver.ts';

/** A site with one VM container to test an overlay driver at. */
export interface OverlayContractSite {
  driver: OverlayDriver;
  container: string;
  /** A table with these edges at the container, and one at another site. */
  tableOf(edges: number[]): OverlayTable;
  keyFor(operation: Operation): Promise<Sealed>;
  /** Names of everything of the overlay that is there, whoever made it. */
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

/** An operation of the cluster that the contract is tested with. */
export const operationOf = (epoch = 1): Operation => ({
  mark: {
    installation: '3f0c8a52-77f4-4d0e-9d1e-6c2b7e9a1d10',
    cluster: 'alpha',
    clusterId: 'c0ffee123456',
  },
  epoch,
});

/** What every overlay driver promises, whatever joins the VMs. */
export function overlayDriverContract(
  name: string,
  setUp: () => Promise<OverlayContractSite>,
): void {
  describe(`the overlay driver ${name}`, () => {
    let at: OverlayContractSite;
    beforeEach(async () => (at = await setUp()));
    afterEach(async () => at.close());

    const apply = async (edges: number[], epoch = 1) => {
      const operation = operationOf(epoch);
      await at.driver.ensureSupernode?.(operation, at.tableOf(edges));
      await at.driver.apply(operation, at.container, at.tableOf(edges), await at.keyFor(operation));
    };
    const edges = async (epoch = 1) =>
      (await at.driver.describe(operationOf(epoch), at.container)).map((edge) => edge.vm).sort();
    const registered = (count: number) =>
      expect
        .poll(
          async () =>
            (await at.driver.describe(operationOf(), at.container)).map(
              (edge) => edge.up && edge.registered,
            ),
          { timeout: 30_000, interval: 200 },
        )
        .toEqual(Array.from({ length: count }, () => true));
    const here = (table: OverlayTable): string[] =>
      table.edges
        .filter((edge: Edge) => edge.container === at.container && edge.site !== 'elsewhere')
        .map((edge) => edge.vm)
        .sort();

    it('makes the edges of its container and no others', async () => {
      await apply([1, 2]);
      expect(await edges()).toEqual(here(at.tableOf([1, 2])));
    });

    it('registers its edges once the supernode is there', async () => {
      await apply([1, 2]);
      await registered(2);
    });

    it('makes the same table twice as once', async () => {
      await apply([1, 2]);
      // An edge may come up some time after it was told to.
      await registered(2);
      const before = await at.leftovers();
      await apply([1, 2]);
      expect(await at.leftovers()).toEqual(before);
    });

    it('adds and removes edges as the table changes', async () => {
      await apply([1, 2]);
      await apply([2, 3]);
      expect(await edges()).toEqual(here(at.tableOf([2, 3])));
    });

    it('removes an edge that the table no longer has, and leaves the others registered', async () => {
      await apply([1, 2]);
      await registered(2);
      await apply([1]);
      expect(await edges()).toEqual(here(at.tableOf([1])));
      await registered(1);
    });

    it('tells whether the supernode is up', async () => {
      const describe = at.driver.describeSupernode?.bind(at.driver);
      if (!describe) return;
      expect(await describe(operationOf())).toEqual({ up: false });
      await apply([1]);
      expect(await describe(operationOf())).toEqual({ up: true });
      await at.driver.removeSupernode?.(operationOf());
      expect(await describe(operationOf())).toEqual({ up: false });
    });

    it('refuses an operation that is older than one it has seen', async () => {
      await apply([1], 5);
      await expect(apply([2], 4)).rejects.toMatchObject({ kind: 'StaleEpoch' });
      const [stale, table] = [operationOf(4), at.tableOf([2])];
      const key = await at.keyFor(stale);
      await expect(at.driver.apply(stale, at.container, table, key)).rejects.toMatchObject({
        kind: 'StaleEpoch',
      });
      await expect(at.driver.remove(operationOf(4), at.container)).rejects.toMatchObject({
        kind: 'StaleEpoch',
      });
      expect(await edges(5)).toEqual(here(at.tableOf([1])));
    });

    it('leaves nothing behind when removed, and can be removed again', async () => {
      await apply([1, 2]);
      for (let times = 0; times < 2; times += 1) {
        await at.driver.remove(operationOf(1), at.container);
        await at.driver.removeSupernode?.(operationOf(1));
      }
      expect(await edges()).toEqual([]);
      expect(await at.leftovers()).toEqual([]);
    });
  });
}
