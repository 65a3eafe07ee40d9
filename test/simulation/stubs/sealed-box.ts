/** Stands for sealing: nobody opens what goes to a memory site. */
export function seal(): string {
  return 'sealed';
}
