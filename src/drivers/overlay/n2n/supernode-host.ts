import { sameMark, type Mark, type Operation } from '../../../domain/mark.ts';
import type { Supernode } from '../../../domain/overlay.ts';
import { runChecked } from '../../supervisor/run-checked.ts';
import { checkPort } from '../check-port.ts';
import { renderMark } from '../mark-text.ts';
import { n2nAccount, renderSupernodeArgs } from './argv.ts';
import { renderSupernodeRules, supernodeTable } from './firewall.ts';
import type { N2nHostOptions } from './host.ts';
import { hasAddress } from '../interfaces.ts';
import { removeOwnTables } from '../nft-tables.ts';
import { supernodeScript } from './scripts.ts';

/** A cluster's supernode at a physical frontend. Runs there as root; changes are made under the host's lock. */
export interface SupernodeHost {
  /** Does not wait until it is up. @throws {Failure} Forbidden port, Conflict. */
  ensure(operation: Operation, version: string, supernode: Supernode): Promise<void>;
  /** `up`: it runs and its port is bound. */
  describe(operation: Operation): Promise<{ up: boolean; port?: number }>;
  remove(operation: Operation): Promise<void>;
}

/** @param options.program path or name of `supernode`. */
export function createSupernodeHost(options: N2nHostOptions): SupernodeHost {
  const { shell, supervisor, policy } = options;
  const serviceName = (mark: Mark) => `mvc-${mark.clusterId}-supernode`;
  const find = async (mark: Mark) => {
    const services = await supervisor.describe(serviceName(mark));
    return services.find((each) => each.mark && sameMark(each.mark, mark));
  };

  return {
    async ensure({ mark }, version, supernode) {
      checkPort(policy, supernode.port);
      // Behind another NAT the public address is not ours, and that NAT sees to the answers.
      const isOwn = await hasAddress(shell, supernode.address);
      const rules = isOwn ? renderSupernodeRules(mark.clusterId, supernode, renderMark(mark)) : '';
      const args = renderSupernodeArgs(version, supernode, `mvc${mark.clusterId}`);
      await supervisor.ensure([
        {
          name: serviceName(mark),
          mark,
          script: supernodeScript,
          env: {
            SUPERNODE_PROGRAM: options.program ?? 'supernode',
            SUPERNODE_ARGS: args.join(' '),
            SUPERNODE_PORT: String(supernode.port),
            SUPERNODE_UID: String(n2nAccount),
          },
          files: { 'rules.nft': rules },
        },
      ]);
    },

    async describe({ mark }) {
      const service = await find(mark);
      const port = Number(service?.env['SUPERNODE_PORT']);
      if (!service?.up || !port) return { up: false };
      const bound = await runChecked(shell, ['ss', '-Hlun', 'sport', '=', `:${port}`]);
      return { up: bound.trim() !== '', port };
    },

    async remove({ mark }) {
      const service = await find(mark);
      if (service) await supervisor.remove([service.name]);
      await removeOwnTables(shell, mark, [supernodeTable(mark.clusterId)]);
    },
  };
}
