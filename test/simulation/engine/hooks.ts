import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

/** A text of the product's code that is put in the place of another, to see whether that is noticed. */
export interface Mutation {
  /** From the root of the repository. */
  file: string;
  from: string;
  to: string;
}

const root = new URL('../../../', import.meta.url).href;
const here = new URL('../', import.meta.url).href;

/** What stands for modules of the product, from the root: what would need a clock, chance or a disk. */
const stubs: Record<string, string> = {
  'src/rolls/seed.ts': 'stubs/seed.ts',
  'src/secrets/sealed-box.ts': 'stubs/sealed-box.ts',
  'src/transport/ssh-key.ts': 'stubs/ssh-key.ts',
};

const packages: Record<string, string> = {
  'node:timers/promises': 'engine/timers.ts',
  'node:crypto': 'engine/crypto.ts',
};

/**
 * Lets the product's modules find the simulation's clock, chance and store in the place of the real
 * ones. Must be called before the first of them is loaded.
 */
export function replaceModules(mutations: readonly Mutation[]): void {
  const mutated = new Map<string, Mutation[]>();
  for (const mutation of mutations) {
    const url = new URL(mutation.file, root).href;
    mutated.set(url, [...(mutated.get(url) ?? []), mutation]);
  }
  registerHooks({
    resolve(specifier, context, next) {
      if (!context.parentURL?.startsWith(`${root}src/`)) return next(specifier, context);
      const replaced = packages[specifier];
      if (replaced !== undefined) return next(`${here}${replaced}`, context);
      const resolved = next(specifier, context);
      const instead = insteadOf(resolved.url);
      return instead === undefined ? resolved : next(instead, context);
    },
    load(url, context, next) {
      const changes = mutated.get(url);
      if (!changes) return next(url, context);
      const source = changes.reduce(mutate, readFileSync(fileURLToPath(url), 'utf8'));
      return { ...next(url, context), source };
    },
  });
}

function insteadOf(url: string): string | undefined {
  if (!url.startsWith(`${root}src/`)) return undefined;
  const path = url.slice(root.length);
  const stub = stubs[path];
  if (stub !== undefined) return `${here}${stub}`;
  if (!path.startsWith('src/store/')) return undefined;
  const ours = `${here}store/${path.slice('src/store/'.length)}`;
  return existsSync(fileURLToPath(ours)) ? ours : undefined;
}

/** @throws if the text is not there just once: a mutation that changes nothing would prove nothing. */
function mutate(source: string, { file, from, to }: Mutation): string {
  const found = source.split(from).length - 1;
  if (found !== 1) throw new Error(`${file} has the text ${JSON.stringify(from)} ${found} times`);
  return source.replace(from, () => to);
}
