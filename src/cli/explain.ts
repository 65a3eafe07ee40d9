import { Command } from 'commander';
import { Failure, failureKinds, type FailureKind } from '../domain/failure.ts';
import { nearest } from './did-you-mean.ts';
import { errorCodes, failureCodes } from './error-codes.ts';
import { markdownText } from './markdown-text.ts';
import { printJson, printLine } from './output.ts';
import { errorsPage, readPage, sectionOf } from './topics.ts';

/** `mvc explain <code>` */
export function explainCommand(): Command {
  return new Command('explain')
    .description('say what an error means, what causes it, and what to do')
    .argument('<code>', 'as the error shows it in brackets')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  mvc explain not-found\n')
    .action(async (code: string, options: { json?: boolean }) => {
      const known = knownCode(code);
      const section = sectionOf(await readPage(errorsPage), known.code) ?? '';
      if (options.json) printJson({ ...known, retryable: isRetried(known.code), text: section });
      else printLine(markdownText(section));
    });
}

function knownCode(code: string): (typeof errorCodes)[number] {
  // As a step's record has it: `NotFound`.
  const kind = Object.keys(failureCodes).find((each) => each === code) as FailureKind | undefined;
  const wanted = kind === undefined ? code : failureCodes[kind].code;
  const found = errorCodes.find((each) => each.code === wanted);
  if (found) return found;
  const codes = errorCodes.map((each) => each.code);
  const near = nearest(code, codes);
  throw new Failure('NotFound', `there is no error code ${code}`, {
    help: near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `known: ${codes.join(', ')}`,
  });
}

/** A step that fails with this code is tried again by itself. */
export function isRetried(code: string): boolean {
  return Object.entries(failureCodes).some(
    ([kind, known]) => known.code === code && failureKinds[kind as FailureKind].retry,
  );
}
