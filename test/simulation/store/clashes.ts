import { Failure } from '../../../src/domain/failure.ts';
import type { Database } from '../../../src/store/database.ts';
import type { Violation } from '../../../src/store/transaction.ts';

export class AllocationTaken extends Failure {
  constructor(message: string, cause: unknown) {
    super('Conflict', message, { help: 'plan again: another choice is free', cause });
  }
}

/** Clashes that planning again cannot avoid. */
const lasting = ['vm_domain_key', 'cluster_site_site_fkey', 'vm_cluster_site_fkey'];

export async function explainClash(
  _db: Database,
  cluster: string,
  { constraint, values }: Violation,
  cause: unknown,
): Promise<Failure> {
  const message = `cluster ${cluster} cannot be recorded: ${constraint} (${values.join('/')})`;
  if (lasting.includes(constraint)) return new Failure('Conflict', message, { cause });
  return new AllocationTaken(message, cause);
}
