/**
 * Who may import whom. This table is the architecture: a folder of `src` per row; a folder's own
 * files may always import each other.
 *
 * - `imports`: layers whose code it may use
 * - `types`: layers of which it may use the types alone (`import type`)
 * - `packages`: packages and node modules that belong to certain layers (see `owned`)
 */
export interface Layer {
  imports: string[];
  types?: string[];
  packages: string[];
}

export const layers: Record<string, Layer> = {
  // Pure facts and decisions. A workflow may import it, so: no input or output, no clock.
  domain: { imports: [], packages: ['zod'] },

  // What knows one thing each.
  rolls: { imports: ['domain'], packages: ['node', 'zod'] },
  transport: { imports: ['domain'], packages: ['node', 'ssh2', 'child'] },
  secrets: { imports: ['domain'], packages: ['node'] },
  store: { imports: ['domain'], packages: ['node', 'sql'] },
  image: { imports: ['domain', 'rolls'], packages: ['node', 'child', 'zod'] },

  // What acts at a site. No workflow engine: long calls take an AbortSignal.
  drivers: { imports: ['domain', 'transport'], packages: ['node', 'zod'] },
  site: {
    imports: ['domain', 'transport', 'secrets', 'drivers'],
    packages: ['node', 'zod', 'esbuild', 'child'],
  },

  // What the workflow engine runs. Site activities never see the store, control ones no driver.
  activities: {
    imports: ['domain'],
    packages: ['node', '@temporalio/activity'],
    types: ['drivers'],
  },
  'activities/site': {
    imports: ['domain', 'drivers', 'image', 'activities'],
    packages: ['node', 'zod', '@temporalio/activity'],
  },
  'activities/control': {
    imports: ['domain', 'rolls', 'store', 'secrets', 'transport', 'image', 'activities'],
    packages: ['node', 'zod', '@temporalio/activity'],
  },
  workflows: {
    imports: ['domain'],
    types: ['activities/site', 'activities/control'],
    packages: ['zod', '@temporalio/workflow'],
  },

  // What starts things.
  client: { imports: ['domain'], packages: ['node', 'zod', '@temporalio/client'] },
  workers: {
    imports: [
      'domain',
      'rolls',
      'transport',
      'secrets',
      'store',
      'image',
      'drivers',
      'site',
      'activities',
      'activities/site',
      'activities/control',
      'workflows',
      'installation',
    ],
    packages: [
      'node',
      'zod',
      'pino',
      'prom-client',
      '@temporalio/worker',
      '@temporalio/activity',
      '@temporalio/client',
    ],
  },
  installation: {
    imports: ['domain', 'transport', 'store'],
    packages: ['node', 'zod', 'child', 'sql', '@temporalio/envconfig'],
  },
  lab: { imports: ['domain', 'transport', 'site'], packages: ['node', 'zod', 'child'] },
  cli: {
    imports: [
      'domain',
      'transport',
      'secrets',
      'client',
      'installation',
      'lab',
      'site',
      'store',
      'image',
    ],
    types: ['workflows'],
    packages: ['node', 'zod', 'child', 'commander', 'yaml', 'string-width', '@temporalio/client'],
  },
};

/** What the names in `packages` stand for. A package that is not here belongs to nobody. */
export const owned: Record<string, RegExp> = {
  child: /^node:child_process$/,
  node: /^node:(?!child_process$)/,
  zod: /^zod$/,
  ssh2: /^ssh2$/,
  sql: /^(pg|kysely)(\/|$)/,
  esbuild: /^esbuild$/,
  pino: /^pino$/,
  'prom-client': /^prom-client$/,
  commander: /^commander$/,
  'string-width': /^string-width$/,
  yaml: /^yaml$/,
  '@temporalio/activity': /^@temporalio\/(activity|common)$/,
  '@temporalio/workflow': /^@temporalio\/(workflow|common)$/,
  '@temporalio/client': /^@temporalio\/(client|common)$/,
  '@temporalio/worker': /^@temporalio\/(worker|common)$/,
  '@temporalio/envconfig': /^@temporalio\/envconfig$/,
};
