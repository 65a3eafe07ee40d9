import type { Host } from '../host.ts';
import type { VerbCall } from '../verb-handler.ts';

export async function vmReserve({ vms }: Host, call: VerbCall<'vm.reserve'>) {
  await vms.reserve(call.operation, call.input.vms, call.input.leaseUntil);
  return {};
}

export async function vmEnsure({ vms }: Host, call: VerbCall<'vm.ensure'>) {
  await vms.ensure(call.operation, call.input.vms);
  return {};
}

export async function vmStart({ vms }: Host, call: VerbCall<'vm.start'>) {
  return { started: await vms.start(call.operation, call.input.names) };
}

export async function vmStop({ vms }: Host, call: VerbCall<'vm.stop'>) {
  await vms.stop(call.operation, call.input.names);
  return {};
}

export async function vmRemove({ vms }: Host, call: VerbCall<'vm.remove'>) {
  await vms.remove(call.operation, call.input.names);
  return {};
}

export async function vmDescribe({ vms }: Host, call: VerbCall<'vm.describe'>) {
  return { vms: await vms.describe(call.operation) };
}

export async function vmConsole({ vms }: Host, call: VerbCall<'vm.console'>) {
  return { text: await vms.console(call.operation, call.input.name, call.input.bytes) };
}

export async function guestExec({ vms }: Host, call: VerbCall<'guest.exec'>) {
  const { name, argv, stdin } = call.input;
  return vms.guestExec(call.operation, name, { argv, ...(stdin === undefined ? {} : { stdin }) });
}

export async function guestPoll({ vms }: Host, call: VerbCall<'guest.poll'>) {
  return vms.guestPoll(call.operation, call.input.name, call.input.pid);
}
