import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const bundles = new Map<string, Promise<string>>();

/**
 * `mvc-site` as one file for the distribution's nodejs (18 or newer), starting with its `#!` line.
 * The same sources give the same bytes, wherever they are built.
 *
 * @param options.policyFile built into the program: who asks it cannot choose another policy.
 */
export function bundleMvcSite(options: { policyFile?: string } = {}): Promise<string> {
  const policyFile = options.policyFile ?? '/etc/mvc/policy.json';
  const known = bundles.get(policyFile);
  if (known) return known;
  const bundle = buildBundle(policyFile);
  bundles.set(policyFile, bundle);
  bundle.catch(() => bundles.delete(policyFile));
  return bundle;
}

async function buildBundle(policyFile: string): Promise<string> {
  const result = await build({
    entryPoints: [fileURLToPath(new URL('./main.ts', import.meta.url))],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node18',
    format: 'cjs',
    // Zod's names are kept readable, its comments and our paths are not.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    define: { MVC_POLICY_FILE: JSON.stringify(policyFile) },
    // Not `/usr/bin/env node`: the interpreter must not depend on the caller's PATH.
    banner: { js: '#!/usr/bin/node' },
    logLevel: 'silent',
  });
  const file = result.outputFiles[0];
  if (!file) throw new Error('the bundler made no file');
  return file.text;
}
