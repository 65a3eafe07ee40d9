import { replaceGlobals } from './engine/clock.ts';
import { replaceModules } from './engine/hooks.ts';
import { mutations } from './mutations.ts';
import type { Answer, Order } from './orders.ts';

/**
 * A process that plays seeds and cases for the runner. The product's modules are loaded after the
 * hooks are set, with the mutations that it was told at its start.
 */
const planted = process.argv.slice(2);
replaceModules(planted.flatMap((name) => mutations[name]?.changes ?? []));
replaceGlobals();
const { obey } = await import('./obey.ts');

const strays: string[] = [];
process.on('unhandledRejection', (error) => {
  strays.push(`a rejection that nobody handles: ${(error as Error)?.stack ?? String(error)}`);
});

process.on('message', (order: Order) => {
  void obey(order).then((answer: Answer) => {
    // In production one of these stops the whole run of a workflow.
    answer.violations.push(...strays.splice(0));
    process.send?.(answer);
  });
});
process.send?.({ kind: 'ready' });
