import type { Operation } from '../../../domain/mark.ts';
import type { Forward } from '../../../domain/routed-verbs.ts';
import type { HostPolicy } from '../../../domain/site-verbs.ts';
import type { Shell } from '../../../transport/shell.ts';
import { runChecked } from '../../supervisor/run-checked.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { checkPort } from '../check-port.ts';
import { renderMark } from '../mark-text.ts';
import { removeOwnTables } from '../nft-tables.ts';
import { renderForwardRules } from './firewall.ts';
import { forwardTable, serviceNames } from './names.ts';

/** What a physical frontend hands on for a cluster. Runs there as root; changes are made under the host's lock. */
export interface ForwardHost {
  /** Makes it exactly this, also after a restart of the host. @throws {Failure} Forbidden port. */
  apply(operation: Operation, forwards: Forward[]): Promise<void>;
  remove(operation: Operation): Promise<void>;
}

export function createForwardHost(options: {
  shell: Shell;
  supervisor: Supervisor;
  policy: Pick<HostPolicy, 'udpPorts'>;
}): ForwardHost {
  const { shell, supervisor, policy } = options;

  async function remove({ mark }: Operation): Promise<void> {
    await supervisor.remove([serviceNames(mark).forward]);
    await removeOwnTables(shell, mark, [forwardTable(mark.clusterId)]);
  }

  return {
    async apply(operation, forwards) {
      const { mark } = operation;
      for (const { port } of forwards) checkPort(policy, port);
      if (forwards.length === 0) return remove(operation);
      const rules = renderForwardRules(mark.clusterId, forwards, renderMark(mark));
      await supervisor.ensure([
        {
          name: serviceNames(mark).forward,
          mark,
          script: forwardScript,
          env: {},
          files: { 'rules.nft': rules },
        },
      ]);
      // The service may be seconds away from its start.
      await runChecked(shell, ['nft', '-f', '-'], undefined, rules);
    },
    remove,
  };
}

const forwardScript = `#!/bin/sh
nft -f rules.nft || exit 1
exec sleep infinity
`;
