import type { Operation } from '../../../domain/mark.ts';
import type { Forward } from '../../../domain/routed-verbs.ts';
import type { HostPolicy } from '../../../domain/site-verbs.ts';
import type { Shell } from '../../../transport/shell.ts';
import { runChecked } from '../../supervisor/run-checked.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { checkPort } from '../check-port.ts';
import { hasAddress } from '../interfaces.ts';
import { renderMark } from '../mark-text.ts';
import { removeOwnTables } from '../nft-tables.ts';
import { renderForwardRules } from './firewall.ts';
import { doesNotForward, forwardsIpv4 } from './forwarding.ts';
import { forwardTable, serviceNames } from './names.ts';

/** What a physical frontend hands on for a cluster. Runs there as root; changes are made under the host's lock. */
export interface ForwardHost {
  /**
   * Makes it exactly this, also after a restart of the host.
   *
   * @throws {Failure} Forbidden for a port of others, or if the host forwards nothing to another machine.
   */
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
      await requireForwarding(shell, forwards);
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

/** What this machine hands on to itself, as a VM container, is not forwarded. */
async function requireForwarding(shell: Shell, forwards: Forward[]): Promise<void> {
  if (await forwardsIpv4(shell)) return;
  for (const to of new Set(forwards.map((each) => each.to))) {
    if (await hasAddress(shell, to)) continue;
    throw doesNotForward(
      `what arrives for its VM container at ${to}`,
      'where no UDP arrives from outside, say `inbound: false` in `frontend` of the site’s file and create the cluster anew',
    );
  }
}

const forwardScript = `#!/bin/sh
nft -f rules.nft || exit 1
exec sleep infinity
`;
