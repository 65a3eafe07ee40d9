/** Writes the shapes of `--json` into docs/json.md. */
import { readFile, writeFile } from 'node:fs/promises';
import { renderJsonPage } from '../src/cli/json/page.ts';

const page = new URL('../docs/json.md', import.meta.url);
await writeFile(page, renderJsonPage(await readFile(page, 'utf8')));
