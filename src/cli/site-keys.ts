import { writeFile } from 'node:fs/promises';
import { createInterface, type Interface } from 'node:readline/promises';
import { Command } from 'commander';
import { z } from 'zod';
import { Failure, parseInput } from '../domain/failure.ts';
import { hostKeySchema } from '../domain/names.ts';
import { isFrontendToo, physicalFrontend, type LibvirtSite } from '../domain/site.ts';
import { printJson, printLine, printTable } from './output.ts';
import { parseSiteDraft, unknownKey } from './site-draft.ts';
import { readText } from './spec-file.ts';

/** What `mvc site keys --json` prints. */
export interface SiteKeys {
  file: string;
  /** Each was in the file or accepted, and now is in the file; otherwise that is unchanged. */
  confirmed: boolean;
  hosts: {
    host: string;
    /** Absent of a VM container while the physical frontend, through which it is asked, is not confirmed. */
    shows?: string;
    /** Absent if the file has none yet. */
    inFile?: string;
  }[];
}

interface Options {
  file: string;
  accept: string[];
  json?: boolean;
}

interface Shown {
  host: string;
  path: (string | number)[];
  before: string;
  shown: string;
}

/** `mvc site keys`: gathers host keys, and lets a person compare them before they are trusted. */
export function siteKeysCommand(): Command {
  return new Command('keys')
    .summary('show the host keys of a site, and write them into its file once you compared them')
    .description(
      'Shows the fingerprint that each host of a site shows at the moment, beside that of the site’s file. ' +
        'Somebody between you and the site could show another one: compare each with what the host’s ' +
        'administrator reads at the host itself. Only if you say yes are they written into the file.',
    )
    .requiredOption('-f, --file <file>', 'the site’s file (YAML)')
    .option(
      '--accept <SHA256:…>',
      'a fingerprint that an administrator told you: is not asked for (repeat)',
      (value: string, list: string[]) => [...list, value],
      [],
    )
    .option('--json', 'as JSON: asks nothing; exit code 1 unless all are in the file or accepted')
    .addHelpText(
      'after',
      `
Examples:
  mvc site keys -f alpine/site.yaml
  mvc site keys -f alpine/site.yaml --json
`,
    )
    .action(async (options: Options) => {
      try {
        await gatherKeys(options);
      } finally {
        reader?.close();
      }
    });
}

async function gatherKeys(options: Options): Promise<void> {
  const { file } = options;
  const accepted = parseInput(z.array(hostKeySchema), options.accept, '--accept');
  const { parseDocument } = await import('yaml');
  const document = parseDocument(await readText(file));
  if (document.errors[0]) throw new Failure('BadInput', `${file}: ${document.errors[0].message}`);
  const draft = () => parseSiteDraft(file, document.toJS());
  const before = draft();
  const trust = (keys: Shown[], known: string[]) => compare(keys, known, options.json ?? false);

  const frontend = await scanFrontend(before);
  let confirmed = await trust([frontend], accepted);
  let containers: Shown[] = [];
  if (confirmed) {
    document.setIn(frontend.path, frontend.shown);
    // Those behind it are reached through it, by our key: it must be trusted first.
    containers = await scanContainers(draft());
    const own = containers.filter((each) => isSameMachine(before, frontend, each));
    const others = containers.filter((each) => !own.includes(each));
    confirmed = await trust(others, accepted);
  }
  if (confirmed) {
    for (const { path, shown } of containers) document.setIn(path, shown);
    await writeFile(file, document.toString({ lineWidth: 0 }));
  }
  if (options.json) return printKeys(before, file, confirmed, [frontend, ...containers]);
  if (!confirmed) refuse(file);
  printLine(`${file} has the keys of ${containers.length + 1} hosts. Now try everything:`);
  printLine(`  mvc site check -f ${file}`);
}

function printKeys(site: LibvirtSite, file: string, confirmed: boolean, shown: Shown[]): void {
  const registered = [{ name: physicalFrontend, ...site.frontend }, ...site.containers];
  const keys: SiteKeys = {
    file,
    confirmed,
    hosts: registered.map(({ name, hostKey }) => {
      const found = shown.find((each) => each.host === name);
      return {
        host: name,
        ...(found ? { shows: found.shown } : {}),
        ...(hostKey === unknownKey ? {} : { inFile: hostKey }),
      };
    }),
  };
  printJson(keys);
  if (!confirmed) process.exitCode = 1;
}

/** A VM container that is the physical frontend, too, has its key, which was compared already. */
function isSameMachine({ frontend, containers }: LibvirtSite, of: Shown, each: Shown): boolean {
  const address = containers.find(({ name }) => name === each.host)?.address ?? '';
  const known = { frontend: { ...frontend, hostKey: of.shown } };
  return isFrontendToo(known, { address, hostKey: each.shown });
}

async function scanFrontend({ frontend }: LibvirtSite): Promise<Shown> {
  const { scanHostKey } = await import('../transport/ssh-key.ts');
  const shown = await scanHostKey({ address: frontend.address, port: frontend.port });
  return { host: physicalFrontend, path: ['frontend', 'hostKey'], before: frontend.hostKey, shown };
}

async function scanContainers(site: LibvirtSite): Promise<Shown[]> {
  const { createSshDoor } = await import('../transport/ssh-door.ts');
  const door = createSshDoor(site);
  try {
    return await Promise.all(
      site.containers.map(async ({ name, address, port, hostKey }, index) => ({
        host: name,
        path: ['containers', index, 'hostKey'],
        before: hostKey,
        shown: await door.scanBehind(address, port),
      })),
    );
  } finally {
    door.close();
  }
}

/**
 * Asks only for what differs from what the file has, and was not accepted before.
 *
 * @param silent asks nobody: what is not known is not confirmed.
 */
async function compare(keys: Shown[], accepted: string[], silent: boolean): Promise<boolean> {
  const fresh = keys.filter(({ shown, before }) => shown !== before && !accepted.includes(shown));
  if (fresh.length === 0) return true;
  if (silent) return false;
  printTable(
    ['HOST', 'SHOWS', 'IN THE FILE'],
    fresh.map(({ host, shown, before }) => [host, shown, before === unknownKey ? '-' : before]),
  );
  return answersYes('Is each equal to what its administrator reads at the host? (yes/no) ');
}

let reader: Interface | undefined;
let lines: AsyncIterator<string> | undefined;

/** One reader for all questions: a second one would miss what the first has read ahead. */
async function answersYes(question: string): Promise<boolean> {
  process.stdout.write(question);
  reader ??= createInterface({ input: process.stdin });
  lines ??= reader[Symbol.asyncIterator]();
  const { value, done } = await lines.next();
  if (!process.stdin.isTTY) printLine();
  return !done && value.trim() === 'yes';
}

function refuse(file: string): never {
  throw new Failure('HostKeyChanged', `the keys were not confirmed; ${file} is unchanged`, {
    help: 'each script of `mvc site init` prints them; later: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub',
  });
}
