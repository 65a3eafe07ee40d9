import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../domain/failure.ts';
import { programRoot } from '../installation/home.ts';

/** A text of `mvc help TOPIC`: a page of the documents. */
export interface Topic {
  name: string;
  summary: string;
  /** In the program's directory. */
  page: string;
}

export const errorsPage = 'docs/errors.md';

/** Every topic. One entry here adds one. */
export const topics: Topic[] = [
  { name: 'sites', summary: 'what a site is and how it is registered', page: 'docs/help/sites.md' },
  { name: 'specs', summary: 'how a cluster is described', page: 'docs/help/specs.md' },
  {
    name: 'overlays',
    summary: 'the virtual network, and its safety',
    page: 'docs/help/overlays.md',
  },
  { name: 'resume', summary: 'what parks, and how it goes on', page: 'docs/help/resume.md' },
  { name: 'history', summary: 'what was done to a cluster', page: 'docs/help/history.md' },
  { name: 'completion', summary: 'complete names by TAB', page: 'docs/help/completion.md' },
  { name: 'environment', summary: 'the variables that are read', page: 'docs/help/environment.md' },
  { name: 'exit-codes', summary: 'what the exit codes mean', page: 'docs/help/exit-codes.md' },
  { name: 'errors', summary: 'the code of each kind of error', page: errorsPage },
  { name: 'json', summary: 'the shapes of --json', page: 'docs/json.md' },
];

/** @throws {Failure} MissingTool if the documents were not installed with the program. */
export async function readPage(page: string): Promise<string> {
  try {
    return await readFile(join(programRoot, page), 'utf8');
  } catch (cause) {
    throw new Failure('MissingTool', `the document ${page} is not installed`, { cause });
  }
}

/** One section of a page, with its heading; undefined if there is none of this name. */
export function sectionOf(page: string, heading: string): string | undefined {
  return page.split(/^(?=## )/m).find((section) => section.startsWith(`## ${heading}\n`));
}
