import type { Operation } from '../../domain/mark.ts';
import type { OverlayTable, Path, SeenEdge } from '../../domain/overlay.ts';
import type { Sealed } from '../../domain/sealed.ts';
import type { Watch } from '../site/site-driver.ts';

/**
 * How a site takes part in an overlay. One object per site and worker. Every verb is safe to repeat
 * and fenced by the operation's epoch. `apply` gets the whole table as it should be and acts on the difference.
 */
export interface OverlayDriver {
  /** Kinds that have a supernode: starts it on the site's physical frontend, and returns when it answers. */
  ensureSupernode?(operation: Operation, table: OverlayTable, watch?: Watch): Promise<void>;
  /** `up`: it runs and its port is bound. */
  describeSupernode?(operation: Operation, watch?: Watch): Promise<{ up: boolean }>;
  removeSupernode?(operation: Operation, watch?: Watch): Promise<void>;

  /**
   * Makes the edges at one VM container exactly those that the table has for it.
   *
   * @param key the overlay's key, sealed to that container.
   */
  apply(
    operation: Operation,
    container: string,
    table: OverlayTable,
    key: Sealed,
    watch?: Watch,
  ): Promise<void>;
  describe(operation: Operation, container: string, watch?: Watch): Promise<SeenEdge[]>;
  /** Kinds that choose their paths: how the container reaches the others. */
  describePaths?(operation: Operation, container: string, watch?: Watch): Promise<Path[]>;
  /** Removes every edge of the cluster at the container. */
  remove(operation: Operation, container: string, watch?: Watch): Promise<void>;
}
