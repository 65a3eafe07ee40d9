import { overlayKeyPurpose } from '../../domain/sealed.ts';
import { Failure } from '../../domain/failure.ts';
import { createN2nHost } from '../../drivers/overlay/n2n/host.ts';
import { createSupernodeHost } from '../../drivers/overlay/n2n/supernode-host.ts';
import type { Host } from '../host.ts';
import type { VerbCall } from '../verb-handler.ts';
import { requireContainer } from './require-container.ts';

export async function supernodeEnsure(host: Host, call: VerbCall<'supernode.ensure'>) {
  const { version, supernode } = call.input;
  await createSupernodeHost(host).ensure(call.operation, version, supernode);
  return {};
}

export async function supernodeDescribe(host: Host, call: VerbCall<'supernode.describe'>) {
  return createSupernodeHost(host).describe(call.operation);
}

export async function supernodeRemove(host: Host, call: VerbCall<'supernode.remove'>) {
  await createSupernodeHost(host).remove(call.operation);
  return {};
}

export async function overlayApply(host: Host, call: VerbCall<'overlay.apply'>) {
  const { container, table, key } = call.input;
  requireContainer(host, container);
  if (table.kind !== 'n2n') throw new Failure('BadInput', `no overlay of kind ${table.kind} here`);
  const { mark } = call.operation;
  const opened = await host.sealKey.openSealed(key, overlayKeyPurpose(mark.clusterId));
  await createN2nHost(host).apply(call.operation, container, table, opened.toString());
  return {};
}

export async function overlayDescribe(host: Host, call: VerbCall<'overlay.describe'>) {
  return { edges: await createN2nHost(host).describe(call.operation) };
}

export async function overlayRemove(host: Host, call: VerbCall<'overlay.remove'>) {
  await createN2nHost(host).remove(call.operation);
  return {};
}
