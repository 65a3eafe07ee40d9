import { Counter, Gauge, type Registry } from 'prom-client';
import { toFailure } from '../../domain/failure.ts';
import type { ConnectionWatch } from '../../transport/ssh-door.ts';

/** A door to a site, as far as it is counted. */
interface CountedDoor {
  readonly openConnections: number;
}

export interface SshMetrics {
  /** What the door to a site is to tell of its connections. */
  watch(site: string): ConnectionWatch;
  /** Counts the door's open connections at each scrape. */
  follow(site: string, door: CountedDoor): void;
}

export function createSshMetrics(registry: Registry): SshMetrics {
  const doors: { site: string; door: CountedDoor }[] = [];
  const open = new Gauge({
    name: 'mvc_ssh_connections_open',
    help: 'Connections to hosts of a site that are open.',
    labelNames: ['site'],
    registers: [],
    collect() {
      this.reset();
      for (const { site, door } of doors) this.inc({ site }, door.openConnections);
    },
  });
  registry.registerMetric(open);
  const opened = new Counter({
    name: 'mvc_ssh_connections_opened_total',
    help: 'Connections to hosts of a site that were opened.',
    labelNames: ['site'],
    registers: [registry],
  });
  const failures = new Counter({
    name: 'mvc_ssh_connection_failures_total',
    help: 'Connections to hosts of a site that could not be opened, by kind of failure.',
    labelNames: ['site', 'kind'],
    registers: [registry],
  });
  return {
    watch: (site) => ({
      opened: () => opened.inc({ site }),
      failed: (error) => failures.inc({ site, kind: toFailure(error, 'Unreachable').kind }),
    }),
    follow: (site, door) => void doors.push({ site, door }),
  };
}
