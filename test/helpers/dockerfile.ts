export interface Stage {
  name: string;
  base: string;
  /** Instructions in their order, continued lines joined: `['RUN', 'npm ci']`. */
  instructions: [string, string][];
}

/** The stages of a Dockerfile, as far as ours uses the language. */
export function parseDockerfile(text: string): Stage[] {
  const lines = text
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const stages: Stage[] = [];
  for (const line of lines) {
    const [, word = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    const [, base, name] = word === 'FROM' ? (/^(\S+) AS (\S+)$/.exec(rest) ?? []) : [];
    if (base !== undefined && name !== undefined) stages.push({ name, base, instructions: [] });
    else stages.at(-1)?.instructions.push([word, rest]);
  }
  return stages;
}

/** The argument list of CMD, or of the CMD of HEALTHCHECK. */
export function argumentsOf(stage: Stage, instruction: 'CMD' | 'HEALTHCHECK'): string[] {
  const found = stage.instructions.find(([word]) => word === instruction)?.[1] ?? '';
  return JSON.parse(found.slice(found.indexOf('['))) as string[];
}
