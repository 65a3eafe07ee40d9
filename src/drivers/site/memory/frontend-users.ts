import type { ClusterUser } from '../../../domain/users.ts';
import type { FrontendState } from './world-state.ts';

/** Of the first user that is added. */
const firstNumber = 2000;

/** What `users` of a node image does. @returns what it prints. */
export function changeUsers(
  frontend: FrontendState,
  [command, name = '']: string[],
  stdin: string,
): string {
  const users = (frontend.users ??= []);
  if (command === 'add') addUser(users, name, stdin.split('\n').filter(Boolean).length);
  if (command === 'remove') frontend.users = users.filter((user) => user.name !== name);
  return command === 'list' ? `${JSON.stringify(frontend.users)}\n` : '';
}

function addUser(users: ClusterUser[], name: string, keys: number): void {
  const known = users.find((user) => user.name === name);
  if (known) known.keys = Math.max(known.keys, keys);
  else users.push({ name, uid: firstNumber + users.length, home: `/home/${name}`, keys });
}
