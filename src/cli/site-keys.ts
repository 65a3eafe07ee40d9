import { readFile, writeFile } from 'node:fs/promises';
import { createInterface, type Interface } from 'node:readline/promises';
import { Command } from 'commander';
import { Failure, parseInput } from '../domain/failure.ts';
import { physicalFrontend, siteSchema, type LibvirtSite } from '../domain/site.ts';
import { printLine, printTable } from './output.ts';

/** Stands for a key that is not known yet: nobody's key has this fingerprint. */
const unknownKey = `SHA256:${'A'.repeat(43)}`;

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
    .addHelpText('after', '\nExample:\n  mvc site keys -f alpine/site.yaml\n')
    .action(async ({ file }: { file: string }) => {
      try {
        await gatherKeys(file);
      } finally {
        reader?.close();
      }
    });
}

async function gatherKeys(file: string): Promise<void> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(await readFile(file, 'utf8'));
  if (document.errors[0]) throw new Failure('BadInput', `${file}: ${document.errors[0].message}`);
  const frontend = await scanFrontend(file, document.toJS());
  if (!(await trust([frontend]))) refuse(file);
  document.setIn(frontend.path, frontend.shown);
  // Those behind it are reached through it, by our key: it must be trusted first.
  const containers = await scanContainers(file, document.toJS());
  if (!(await trust(containers))) refuse(file);
  for (const { path, shown } of containers) document.setIn(path, shown);
  await writeFile(file, document.toString({ lineWidth: 0 }));
  printLine(`${file} has the keys of ${containers.length + 1} hosts. Now try everything:`);
  printLine(`  mvc site check -f ${file}`);
}

/** The site with a stand-in for each key that is still missing. */
function readSite(file: string, input: unknown): LibvirtSite {
  const filled = JSON.parse(JSON.stringify(input ?? null), (name: string, value: unknown) =>
    name === 'hostKey' && value === '' ? unknownKey : value,
  );
  const site = parseInput(siteSchema, filled, `the site in ${file}`);
  if (site.kind === 'libvirt') return site;
  throw new Failure('BadInput', `site ${site.name} exists in memory only: it has no host keys`);
}

async function scanFrontend(file: string, input: unknown): Promise<Shown> {
  const { frontend } = readSite(file, input);
  const { scanHostKey } = await import('../transport/ssh-key.ts');
  const shown = await scanHostKey({ address: frontend.address, port: frontend.port });
  return { host: physicalFrontend, path: ['frontend', 'hostKey'], before: frontend.hostKey, shown };
}

async function scanContainers(file: string, input: unknown): Promise<Shown[]> {
  const site = readSite(file, input);
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

/** Asks only for what differs from what the file has. */
async function trust(keys: Shown[]): Promise<boolean> {
  const fresh = keys.filter((each) => each.shown !== each.before);
  if (fresh.length === 0) return true;
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
