import type { VerbHandlers } from './verb-handler.ts';
import { facts } from './verbs/facts.ts';

/** Every verb, what guards it, and the function that does it. */
export const verbHandlers = {
  facts: { guard: 'none', run: facts },
} as unknown as VerbHandlers;
