/** Whether the terminal can be rewritten; elsewhere (a pipe, `TERM=dumb`) lines are printed. */
export function isLiveTerminal(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && env['TERM'] !== 'dumb' && env['TERM'] !== '';
}
