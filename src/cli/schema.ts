import { Argument, Command } from 'commander';
import { printJson } from './output.ts';
import type { SpecKind } from '../domain/spec-notes.ts';

/** `mvc schema` */
export function schemaCommand(): Command {
  return new Command('schema')
    .description('print the JSON Schema of a spec file, for editors and programs')
    .addArgument(new Argument('<kind>', 'whose file').choices(['cluster', 'site']))
    .addHelpText(
      'after',
      `
Example:
  mvc schema cluster > cluster.schema.json
`,
    )
    .action(async (kind: SpecKind) => {
      const { specSchema } = await import('../domain/spec-schemas.ts');
      printJson(specSchema(kind));
    });
}
