import { hostname, userInfo } from 'node:os';

/** Who runs this program, for the record of what was asked by whom: `ada@login1`. */
export function callerName(): string {
  return `${userName()}@${hostname()}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // An account without an entry, as in many containers.
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
