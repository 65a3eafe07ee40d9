import { parseArgs } from 'node:util';
import { kinds } from './kinds.ts';
import { scenarios } from './scenarios.ts';

export interface Options {
  rounds: number;
  seconds: number;
  /** Name of the congestion control, as the kernel has it. */
  tcp: string;
  kinds: typeof kinds;
  scenarios: typeof scenarios;
  first: boolean;
  json: boolean;
}

export const usage = `Usage: npm run bench:overlay -- [options]      (as root)

Measures the overlays side by side, between namespaces that are removed at the end. A whole run is written
into docs/benchmarks.md and docs/images/overlay-throughput.svg.

  --rounds N       rounds in each scenario; each measures every overlay once   [5]
  --seconds N      length of a transfer, besides its warm-up                   [5]
  --tcp NAME       congestion control of the transfers, e.g. bbr                [cubic]
  --only NAME      only this overlay (may be repeated); nothing is written
                   ${kinds.map(({ name }) => name).join(', ')}
  --scenario NAME  only this scenario (may be repeated); nothing is written
                   ${scenarios.map(({ name }) => `"${name}"`).join(', ')}
  --first          go before whatever else this machine does, which it slows down; the figures then depend
                   less on it
  --json           print all figures as JSON; nothing is written
  --help
`;

/** Undefined if help is wanted. @throws {Error} if an option is wrong. */
export function readOptions(argv: string[]): Options | undefined {
  const { values } = parseArgs({
    args: argv,
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      tcp: { type: 'string', default: 'cubic' },
      only: { type: 'string', multiple: true, default: [] },
      scenario: { type: 'string', multiple: true, default: [] },
      first: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    rounds: count('--rounds', values.rounds),
    seconds: count('--seconds', values.seconds),
    tcp: values.tcp,
    kinds: choose('--only', kinds, values.only),
    scenarios: choose('--scenario', scenarios, values.scenario),
    first: values.first,
    json: values.json,
  };
}

/** Whether a run measures all that the page shows. */
export function isWhole(options: Options): boolean {
  return options.kinds.length === kinds.length && options.scenarios.length === scenarios.length;
}

function count(option: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`${option} must be a whole number above 0, not ${JSON.stringify(text)}`);
}

function choose<T extends { name: string }>(option: string, all: T[], wanted: string[]): T[] {
  const known = all.map(({ name }) => name);
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new Error(`${option} ${JSON.stringify(unknown)} is unknown; known: ${known.join(', ')}`);
  }
  return wanted.length === 0 ? all : all.filter(({ name }) => wanted.includes(name));
}
