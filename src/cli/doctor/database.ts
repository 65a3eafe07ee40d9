import type { ServerFacts } from '../../store/server-facts.ts';
import { fail, ok, warn, type Finding } from './check.ts';

const toleratedMs = 2_000;

export function judgeDatabase({ version, pending, unknown }: ServerFacts): Finding[] {
  if (unknown.length > 0) {
    const told = `was migrated by a later release (${unknown.join(', ')})`;
    return [fail('database', told, 'use that release, or a database that was saved before')];
  }
  if (pending.length > 0) {
    const told = `PostgreSQL ${version} lacks ${pending.length} migrations: ${pending.join(', ')}`;
    return [
      fail('database', told, 'the control worker runs them when it starts: mvc down; mvc up'),
    ];
  }
  return [ok('database', `PostgreSQL ${version}, schema up to date`)];
}

/** @param askedMs how long the question took: so much of the difference means nothing. */
export function judgeClock(serverNow: number, ownNow: number, askedMs: number): Finding {
  const offset = serverNow - ownNow;
  if (Math.abs(offset) <= toleratedMs + askedMs) {
    return ok('clock', "the database's clock and this machine's agree");
  }
  const told = `the database's clock is ${(Math.abs(offset) / 1000).toFixed(1)} s ${offset > 0 ? 'ahead of' : 'behind'} this machine's`;
  return warn('clock', told, 'let both follow the same time servers (chrony, systemd-timesyncd)');
}

/** Asks the database, and compares its clock with ours at the middle of the question. */
export async function checkDatabase(ask: () => Promise<ServerFacts>): Promise<Finding[]> {
  const began = Date.now();
  const facts = await ask();
  const askedMs = Date.now() - began;
  return [...judgeDatabase(facts), judgeClock(facts.now, began + askedMs / 2, askedMs)];
}
