/** A spec as lines of YAML, as a file could hold it. */
export async function specYaml(spec: object): Promise<string[]> {
  const { stringify } = await import('yaml');
  return stringify(spec, { lineWidth: 100 }).trimEnd().split('\n');
}
