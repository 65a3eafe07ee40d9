import { Failure } from '../../../domain/failure.ts';
import { markNamespace, renderMark, type DomainMark } from './domain-mark.ts';
import type { Domain } from './inventory.ts';
import type { Virsh } from './virsh.ts';
import { renderXml } from './xml.ts';

/** Cuts the power. One that ended by itself in the meantime is no error. */
export async function powerOff(virsh: Virsh, domain: Domain): Promise<void> {
  if (domain.power !== 'running') return;
  await unless(virsh(['destroy', '--domain', domain.uuid]), async () => {
    const state = (await virsh(['domstate', '--domain', domain.uuid])).trim();
    return ['shut off', 'crashed'].includes(state);
  });
}

/** Takes the domain away from libvirt. One that is gone already is no error. */
export async function undefine(virsh: Virsh, domain: Domain): Promise<void> {
  await powerOff(virsh, domain);
  await unless(virsh(['undefine', '--domain', domain.uuid]), async () => {
    return !(await virsh(['list', '--all', '--uuid'])).includes(domain.uuid);
  });
}

/** Writes the mark into the definition of a domain that is shut off. */
export async function setMark(virsh: Virsh, domain: Domain, mark: DomainMark): Promise<void> {
  const target = ['--domain', domain.uuid, '--uri', markNamespace, '--key', 'mvc'];
  await virsh(['metadata', ...target, '--config', '--set', renderXml(renderMark(mark, ''))]);
}

/** Virsh tells why it failed in words only: the state is asked instead. */
async function unless(action: Promise<unknown>, isDone: () => Promise<boolean>): Promise<void> {
  try {
    await action;
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'CommandFailed' || !(await isDone())) {
      throw error;
    }
  }
}
