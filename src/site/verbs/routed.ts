import { overlayKeyPurpose } from '../../domain/sealed.ts';
import { createForwardHost } from '../../drivers/overlay/routed/forward-host.ts';
import { createContainerHost } from '../../drivers/overlay/container-host.ts';
import type { Host } from '../host.ts';
import type { VerbCall } from '../verb-handler.ts';
import { requireContainer } from './require-container.ts';

export async function routedApply(host: Host, call: VerbCall<'routed.apply'>) {
  const { order, key } = call.input;
  requireContainer(host, order.container);
  const { mark } = call.operation;
  const opened = await host.sealKey.openSealed(key, overlayKeyPurpose(mark.clusterId));
  await createContainerHost(host).apply(call.operation, order, opened.toString());
  return {};
}

export async function routedDescribe(host: Host, call: VerbCall<'routed.describe'>) {
  return createContainerHost(host).describe(call.operation);
}

export async function routedRemove(host: Host, call: VerbCall<'routed.remove'>) {
  await createContainerHost(host).remove(call.operation);
  return {};
}

export async function forwardApply(host: Host, call: VerbCall<'forward.apply'>) {
  await createForwardHost(host).apply(call.operation, call.input.forwards);
  return {};
}

export async function forwardRemove(host: Host, call: VerbCall<'forward.remove'>) {
  await createForwardHost(host).remove(call.operation);
  return {};
}
