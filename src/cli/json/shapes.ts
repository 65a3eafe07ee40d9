import type { z } from 'zod';
import { watchEventSchema } from '../../domain/watch-event.ts';
import * as cluster from './cluster-shapes.ts';
import * as program from './program-shapes.ts';
import * as site from './site-shapes.ts';
import * as use from './use-shapes.ts';

/** What a command prints with `--json`. One entry here documents a command. */
export const jsonShapes: Record<string, z.ZodType> = {
  up: program.servicesUp,
  status: program.installation,
  'status NAME': cluster.clusterStatus,
  ui: program.uiAddresses,
  'site add': site.siteFacts,
  'site update': site.siteFacts,
  'site list': site.siteRecords,
  'site show': site.siteRecord,
  'site remove': site.siteRemoved,
  'site init': site.siteBegun,
  'site keys': site.siteKeys,
  'site check': site.siteChecks,
  inventory: site.inventory,
  sweep: site.sweep,
  reconcile: site.reconcile,
  list: cluster.clusters,
  plan: cluster.planPreview,
  create: cluster.operation,
  watch: watchEventSchema,
  resume: cluster.resumed,
  cancel: cluster.cancelled,
  destroy: cluster.operation,
  scale: cluster.operation,
  'scale --dry-run': cluster.planPreview,
  repair: cluster.operation,
  stop: cluster.operation,
  start: cluster.operation,
  history: cluster.history,
  console: use.consoleText,
  logs: use.logEntry,
  doctor: use.doctor,
  'user add': use.user,
  'user list': use.users,
  'user remove': use.users,
  topology: use.topology,
  'image build': program.image,
  'lab up': program.lab,
  'lab status': program.lab,
  help: program.topicList,
  explain: program.explanation,
};

export const errorShape = program.error;
