import { shapeText } from './shape-text.ts';
import { errorShape, jsonShapes } from './shapes.ts';

const begin = '<!-- begin: shapes -->';
const end = '<!-- end: shapes -->';

/** docs/json.md with the part between its marks written anew from the shapes. */
export function renderJsonPage(page: string): string {
  const [before = '', after = ''] = page.split(new RegExp(`${begin}[^]*${end}`));
  return `${before}${begin}\n\n${sections()}\n\n${end}${after}`;
}

function sections(): string {
  const shapes = Object.entries(jsonShapes).map(([name, shape]) => ({ name, ...shapeText(shape) }));
  const errors = shapeText(errorShape);
  const parts = new Map([...shapes, errors].flatMap((each) => [...each.parts]));
  return [
    '## Commands',
    ...alike(shapes).flatMap(({ names, text }) => [
      `### ${names.map((name) => `mvc ${name}`).join(', ')}`,
      block(text),
    ]),
    '## Errors',
    'One line on stderr; stdout may hold what was found until then.',
    block(errors.text),
    '## Parts',
    ...[...parts]
      .toSorted(([one], [other]) => one.localeCompare(other))
      .flatMap(([name, text]) => [`### ${name}`, block(text)]),
  ].join('\n\n');
}

/** Commands of one shape share a section. */
function alike(shapes: { name: string; text: string }[]): { names: string[]; text: string }[] {
  const byText = Map.groupBy(shapes, ({ text }) => text);
  return [...byText].map(([text, same]) => ({ names: same.map(({ name }) => name), text }));
}

function block(text: string): string {
  return `\`\`\`\n${text}\n\`\`\``;
}
