import { describeZodError, Failure } from '../domain/failure.ts';
import {
  siteAnswerSchema,
  siteVerbs,
  type SiteRequest,
  type SiteVerb,
  type SiteVerbOutput,
} from '../domain/site-verbs.ts';
import type { CallOptions } from './site-door.ts';

/** An answer longer than this is not read to its end. */
export const maxAnswerBytes = 8 * 1024 ** 2;

/** The bytes of a request: one line of JSON, then the raw body if there is one. */
export function encodeRequest(
  verb: SiteVerb,
  input: unknown,
  options: CallOptions & Pick<SiteRequest, 'host'>,
): Buffer {
  const request: SiteRequest = {
    protocol: 1,
    verb,
    ...(options.host === undefined ? {} : { host: options.host }),
    ...(options.operation ? { operation: options.operation } : {}),
    input,
  };
  const line = Buffer.from(`${JSON.stringify(request)}\n`);
  return options.body ? Buffer.concat([line, options.body]) : line;
}

/**
 * Reads an answer. What a site says is not trusted: it must be one whole line that fits the verb's schema.
 *
 * @param from the host's name, and the host in words for the message.
 * @throws {Failure} the failure that the host answered, or Protocol.
 */
export function decodeAnswer<V extends SiteVerb>(
  verb: V,
  stdout: string,
  from: { where: string; host: string },
): SiteVerbOutput<V> {
  const { where, host } = from;
  const answer = siteAnswerSchema.safeParse(parseLine(stdout, verb, from));
  if (!answer.success) {
    throw new Failure(
      'Protocol',
      `${where} answered ${verb} in a form that is not understood: ${describeZodError(answer.error)}`,
      { help: updateHelp, host },
    );
  }
  if (!answer.data.ok) {
    const { kind, message, help } = answer.data.failure;
    throw new Failure(kind, `${where}: ${printable(message)}`, {
      host,
      ...(help ? { help: printable(help) } : {}),
    });
  }
  const result = siteVerbs[verb].output.safeParse(answer.data.result);
  if (result.success) return result.data as SiteVerbOutput<V>;
  throw new Failure(
    'Protocol',
    `the answer of ${where} to ${verb} is not valid: ${describeZodError(result.error)}`,
    { help: updateHelp, host },
  );
}

const updateHelp =
  'install the mvc-site of this version there: `mvc site prepare` prints the administrator’s script';

function parseLine(
  stdout: string,
  verb: string,
  { where, host }: { where: string; host: string },
): unknown {
  if (!stdout.endsWith('\n')) {
    throw new Failure('Unreachable', `${where} broke off in the middle of its answer to ${verb}`, {
      host,
    });
  }
  try {
    return JSON.parse(stdout);
  } catch (error) {
    throw new Failure('Protocol', `${where} did not answer ${verb} with one line of JSON`, {
      cause: error,
      host,
      help: updateHelp,
    });
  }
}

/** What comes from a site may end in a terminal: control characters become visible. */
function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(
    /[\x00-\x09\x0b-\x1f\x7f-\x9f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
