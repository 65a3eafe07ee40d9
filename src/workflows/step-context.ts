import { AsyncLocalStorage, patched, type WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { defaultPayloadConverter } from '@temporalio/common';
import { attemptsHeader, unwrapResult, type Tried } from '../domain/attempts.ts';
import { stepHeader, type StepHeader } from '../domain/step-header.ts';
import { triedOfFailure } from './failures.ts';

/** Hears of each activity of a step that did not succeed at once. */
export type TriedListener = (activity: string, tried: Tried) => void;

interface StepContext {
  header: StepHeader;
  hear: TriedListener;
}

const storage = new AsyncLocalStorage<StepContext>();

/**
 * Runs the body of a step: what it logs, and the activities that it calls, are known as of that step,
 * and their attempts are heard of.
 */
export function inStep<T>(
  header: StepHeader,
  hear: TriedListener,
  body: () => Promise<T>,
): Promise<T> {
  return storage.run({ header, hear }, body);
}

/** Runs that began without it go on so: whoever opens results is a moment later than who takes them as they are. */
const openingPatch = 'attempts-in-results';

/**
 * Loaded with the workflows: every activity is told in headers of which step it is, so that its log
 * lines can say so, and that its result may say how often it was tried.
 */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  outbound: [
    {
      scheduleActivity(input, next) {
        const step = storage.getStore();
        if (step === undefined) return next(input);
        const header = defaultPayloadConverter.toPayload(step.header);
        const headers = { ...input.headers, [stepHeader]: header };
        if (!patched(openingPatch)) return next({ ...input, headers });
        const both = { ...headers, [attemptsHeader]: defaultPayloadConverter.toPayload(true) };
        return heard(step, input.activityType, next({ ...input, headers: both }));
      },
      getLogAttributes: (input, next) => next({ ...input, ...storage.getStore()?.header }),
    },
  ],
});

async function heard({ hear }: StepContext, activity: string, answer: Promise<unknown>) {
  try {
    const { result, tried } = unwrapResult(await answer);
    if (tried) hear(activity, tried);
    return result;
  } catch (error) {
    const tried = triedOfFailure(error);
    if (tried) hear(activity, tried);
    throw error;
  }
}
