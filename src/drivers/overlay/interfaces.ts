import { z } from 'zod';
import type { Mark } from '../../domain/mark.ts';
import type { Shell } from '../../transport/shell.ts';
import { runChecked } from '../supervisor/run-checked.ts';
import { parseMark } from './mark-text.ts';

const linkSchema = z.object({
  ifname: z.string(),
  ifalias: z.string().optional(),
  master: z.string().optional(),
  flags: z.array(z.string()).default([]),
  address: z.string().optional(),
});

/** A network interface of the host. */
export interface Interface {
  name: string;
  /** Of us, if it carries our mark. */
  mark?: Mark;
  bridge?: string;
  up: boolean;
}

export async function listInterfaces(shell: Shell): Promise<Interface[]> {
  const links = z
    .array(linkSchema)
    .parse(JSON.parse(await runChecked(shell, ['ip', '-j', 'link'])));
  return links.map(({ ifname, ifalias, master, flags }) => {
    const mark = parseMark(ifalias);
    return {
      name: ifname,
      ...(mark ? { mark } : {}),
      ...(master === undefined ? {} : { bridge: master }),
      up: flags.includes('UP'),
    };
  });
}

/** Is this IPv4 address one of the host's own? */
export async function hasAddress(shell: Shell, address: string): Promise<boolean> {
  const output = await runChecked(shell, ['ip', '-4', '-o', 'addr', 'show']);
  return output.split('\n').some((line) => line.split(/\s+/)[3]?.split('/')[0] === address);
}
