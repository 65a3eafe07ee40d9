import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OwnedThing } from '../../src/domain/site.ts';
import type { Check } from '../../src/domain/site-check.ts';
import { CommandLine } from '../helpers/command-line.ts';
import { guideBlocks, guideTexts, type GuideBlock } from '../helpers/guide.ts';

const root = join(import.meta.dirname, '..', '..');
const minutes = 60_000;
const guide = await readFile(join(root, 'docs', 'first-cluster.md'), 'utf8');
const blocks = guideBlocks(guide);
const [allIsThere = '', twoNodes = ''] = guideTexts(guide);

let mvc: CommandLine;
/** Where the person of the guide works. */
let desk: string;
/** What the guide writes → what it is in the lab: only the door to ssh differs. */
let places: [string, string][];

beforeAll(async () => {
  mvc = await CommandLine.create();
  desk = await mkdtemp(join(tmpdir(), 'mvc-desk-'));
  await writeFile(
    join(desk, 'mvc'),
    `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'src/cli/main.ts')}' "$@"\n`,
    { mode: 0o755 },
  );
  const lab = await mvc.json<{ sites: { name: string; door: string }[] }>(
    'lab',
    'up',
    '--bare',
    '--rtt',
    '20',
    '--hosts',
    '1,1,1',
  );
  places = lab.sites.map(({ name, door }) => [`${name}.example.org`, door]);
}, 5 * minutes);

afterAll(async () => {
  await mvc.run('lab', 'down');
  await mvc.run('down');
  await mvc.remove();
  await rm(desk, { recursive: true, force: true });
}, 3 * minutes);

describe('docs/first-cluster.md, word by word', () => {
  it('the machines of the sites know nothing of us before', async () => {
    for (const machine of ['alpine', 'alpine-h1', 'beach', 'beach-h1']) {
      const { exitCode } = await mvc.run('lab', 'exec', machine, '--', 'id', 'mvc');
      expect(exitCode).not.toBe(0);
    }
  });

  it(
    'leads from unprepared machines to a job on two sites, and back',
    async () => {
      const said: string[] = [];
      for (const block of blocks) said.push(...(await perform(block)));
      const all = said.join('\n');
      expect(all).toContain(allIsThere);
      const commands = blocks.flatMap((block) => block.commands);
      const job = said[commands.findIndex((command) => command.includes('srun'))];
      expect(job?.match(/^compute-\S+$/gm)?.toSorted()).toEqual(twoNodes.split('\n'));
      expect(await mvc.json('inventory')).toEqual([]);
    },
    9 * minutes,
  );
});

describe('a site of one machine, prepared over one’s own ssh', () => {
  it(
    'passes the check, builds a cluster whose parts are counted once, and gives all back',
    async () => {
      await letRunVms('cloud', 'cloud-h1');
      const door = places.find(([name]) => name === 'cloud.example.org')?.[1];
      const init =
        `mvc site init cloud --ssh ${door} --public-address 198.51.100.13 --lan-address 192.168.10.1 ` +
        '--container h1=192.168.10.1 --gateway 192.168.10.1/24 --addresses 192.168.10.100';
      const ssh = await sshTo('cloud');
      expect(await atTheDesk(`PATH=${ssh}:$PATH ${init} --run --as root`)).toContain('is prepared');
      expect(await atTheDesk('mvc site keys -f cloud/site.yaml', 'yes')).toContain(
        'keys of 2 hosts',
      );
      expect(await atTheDesk('mvc site check -f cloud/site.yaml')).toContain(allIsThere);
      await atTheDesk('mvc site add -f cloud/site.yaml');
      await atTheDesk('mvc create solo --site cloud=1');
      expect(await atTheDesk('mvc ssh solo -- srun hostname')).toMatch(/^compute-cloud-0$/m);

      const things = await mvc.json<OwnedThing[]>('inventory');
      // An edge has firewall tables of one name in two families.
      const named = things.filter(({ kind }) => kind !== 'firewall');
      const different = new Set(named.map(({ kind, name }) => `${kind} ${name}`));
      expect(different.size).toBe(named.length);
      expect(things.filter(({ kind }) => kind === 'vm').map(({ host }) => host)).toEqual([
        'h1',
        'h1',
      ]);
      await atTheDesk('mvc destroy solo --yes');
      expect(await mvc.json('inventory')).toEqual([]);
    },
    9 * minutes,
  );
});

describe('mvc site check says what to mend', () => {
  it('an older program, a missing bridge in the policy and closed UDP ports', async () => {
    await asRoot('alpine-h1', 'echo "// changed" >> /usr/local/lib/mvc/mvc-site');
    await asRoot('beach-h1', `sed -i 's/"lan0"//' /etc/mvc/policy.json`);
    await asRoot('beach', 'nft insert rule ip lab arriving iifname wan0 udp dport 7700-7799 drop');
    const { exitCode, stdout } = await mvc.run('site', 'check', 'alpine', 'beach', '--json');
    expect(exitCode).toBe(1);
    const checks = JSON.parse(stdout) as Check[];
    const toMend = checks.filter((each) => each.state === 'mend');
    expect(toMend.map(({ site, host, check }) => `${site}/${host} ${check}`).toSorted()).toEqual([
      'alpine/h1 program',
      'alpine/h1 udp',
      'beach/h1 bridge',
    ]);
    expect(toMend.find((each) => each.check === 'udp')?.found).toMatch(/does not reach beach/);
    expect(toMend.every((each) => (each.mend ?? '') !== '')).toBe(true);
  });
});

/** Has a machine of the lab run libvirt as another one does. */
async function letRunVms(machine: string, as: string): Promise<void> {
  const files = 'libvirt/libvirtd.conf libvirt/qemu.conf service/libvirtd/run';
  const packed = await mvc.ok(
    'lab',
    'exec',
    as,
    '--',
    'sh',
    '-c',
    `tar -C /etc -c ${files} | base64 -w 0`,
  );
  await asRoot(machine, `echo '${packed.trim()}' | base64 -d | tar -C /etc -x`);
  await asRoot(machine, `timeout 60 sh -c 'until virsh list > /dev/null 2>&1; do sleep 0.2; done'`);
}

/** A directory with a person's `ssh` that leads to root of one machine, whatever host it names. */
async function sshTo(machine: string): Promise<string> {
  const directory = join(desk, 'ssh');
  await mkdir(directory);
  const script = `for command; do :; done\nexec '${desk}/mvc' lab exec ${machine} -- sh -c "$command"`;
  await writeFile(join(directory, 'ssh'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return directory;
}

async function asRoot(machine: string, script: string): Promise<void> {
  await mvc.ok('lab', 'exec', machine, '--', 'sh', '-c', script);
}

/** Does one block as its person would, and returns what each command printed. */
async function perform(block: GuideBlock): Promise<string[]> {
  const printed: string[] = [];
  for (const command of block.commands) {
    const text = places.reduce((line, [from, to]) => line.replaceAll(from, to), command);
    printed.push(
      block.who === 'you'
        ? await atTheDesk(text, block.answer)
        : await atTheMachine(block.who.replace('root@', ''), text),
    );
  }
  return printed;
}

async function atTheDesk(command: string, answer = ''): Promise<string> {
  return run(['sh', '-ec', command], { cwd: desk, stdin: `${answer}\n`.repeat(10) });
}

/** The administrator got the script of that very host, and has it in the home of root. */
async function atTheMachine(machine: string, command: string): Promise<string> {
  const site = machine.split('-')[0] ?? machine;
  const script = await readFile(join(desk, site, command.replace(/^sh /, '')), 'utf8');
  const bring = `cat > '/root/${command.replace(/^sh /, '')}'`;
  await run(['./mvc', 'lab', 'exec', machine, '--', 'sh', '-ec', bring], { stdin: script });
  return run(['./mvc', 'lab', 'exec', machine, '--', 'sh', '-ec', `cd /root; ${command}`]);
}

function run(
  [program = '', ...argv]: string[],
  options: { cwd?: string; stdin?: string } = {},
): Promise<string> {
  const child = spawn(program, argv, {
    cwd: options.cwd ?? desk,
    env: {
      ...process.env,
      MVC_HOME: mvc.home,
      MVC_IMAGES: join(root, '.tools', 'images'),
      PATH: `${desk}:${join(root, '.tools')}:${process.env['PATH']}`,
    },
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(printed);
      else reject(new Error(`${[program, ...argv].join(' ')} ended with ${code}:\n${printed}`));
    });
  });
}
