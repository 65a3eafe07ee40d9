import type { Operation } from '../../domain/mark.ts';
import type { Site } from '../../domain/site.ts';
import { activity } from '../activity.ts';
import type { SiteDrivers } from './drivers.ts';

export function createConsoleActivities(drivers: SiteDrivers) {
  return {
    /** The last bytes that a VM wrote to its serial console. */
    async readConsole(input: {
      site: Site;
      operation: Operation;
      container: string;
      vm: string;
      bytes: number;
    }): Promise<string> {
      const { site, operation, container, vm, bytes } = input;
      return activity((watch) =>
        drivers.site(site).console(operation, { container, name: vm }, bytes, watch),
      );
    },
  };
}
