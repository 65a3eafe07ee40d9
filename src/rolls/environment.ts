/** Lines of `NAME=value`, to be sourced by a shell or read by systemd. Values are checked before. */
export function renderEnvironment(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
