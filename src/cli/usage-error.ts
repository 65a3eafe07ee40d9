/** The command line itself is wrong: an option or a command that there is not. */
export const usageError = { code: 'usage', exitCode: 2 } as const;

/** Commander's sentence in our words: `mvc: unknown option '--jsn' [usage]`. */
export function usageErrorText(text: string): string {
  return text.replace(/^error: (.*)/, `mvc: $1 [${usageError.code}]`);
}

/** The same for a program, on one line; `ErrorReport` is the shape of all of them. */
export function usageErrorJson(text: string): string {
  const message = text.replace(/^error: /, '');
  const help = '`mvc --help` lists the commands';
  return JSON.stringify({ error: { ...usageError, message, help, retryable: false } });
}
