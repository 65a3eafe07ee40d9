import { Option } from 'commander';

/** For commands that follow an operation: what `mvc watch --json` prints, from the very beginning. */
export function eventsOption(): Option {
  return new Option(
    '--events',
    'every change as a line of JSON, as mvc watch --json has them; the last has the result',
  ).conflicts(['json', 'watch']);
}
