import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** The registry of a worker: what it is, and how its process does (memory, event loop, file handles). */
export function createRegistry(worker: string, program: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ worker });
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'mvc_worker_info',
    help: 'Always 1; its label says which program runs.',
    labelNames: ['program'],
    registers: [registry],
  }).set({ program }, 1);
  return registry;
}
