const barColumns = 10;

/** `████░░░░░░` */
export function bar(done: number, of: number): string {
  const full = Math.round((barColumns * Math.min(done, of)) / of);
  return '█'.repeat(full) + '░'.repeat(barColumns - full);
}

/** `3.4 of 200 MB`: in megabytes, since images are. */
export function bytesOf(bytes: number, of: number): string {
  return `${megabytes(bytes)} of ${megabytes(of)} MB`;
}

export function rateOf(bytesPerSecond: number): string {
  return `${megabytes(bytesPerSecond)} MB/s`;
}

function megabytes(bytes: number): string {
  const value = bytes / 1e6;
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}

/** Whole seconds: a number that flickers tells nothing. `42 s`, `2 min 05 s`, `1 h 07 min`. */
export function calmDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} min`;
}
