import { AsyncLocalStorage, type WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { defaultPayloadConverter } from '@temporalio/common';
import { stepHeader, type StepHeader } from '../domain/step-header.ts';

const storage = new AsyncLocalStorage<StepHeader>();

/** Runs the body of a step: what it logs, and the activities that it calls, are known as of that step. */
export function inStep<T>(step: StepHeader, body: () => Promise<T>): Promise<T> {
  return storage.run(step, body);
}

/**
 * Loaded with the workflows: every activity is told in a header of which step it is, so that its log
 * lines can say so. A header is no command: recorded histories are replayed as before.
 */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  outbound: [
    {
      scheduleActivity(input, next) {
        const step = storage.getStore();
        if (step === undefined) return next(input);
        const header = defaultPayloadConverter.toPayload(step);
        return next({ ...input, headers: { ...input.headers, [stepHeader]: header } });
      },
      getLogAttributes: (input, next) => next({ ...input, ...storage.getStore() }),
    },
  ],
});
