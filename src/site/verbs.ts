import type { VerbHandlers } from './verb-handler.ts';
import { facts } from './verbs/facts.ts';
import { imageChunk, imageFetch, imageFinish, imageServe, imageState } from './verbs/image.ts';
import {
  overlayApply,
  overlayDescribe,
  overlayRemove,
  supernodeDescribe,
  supernodeEnsure,
  supernodeRemove,
} from './verbs/overlay.ts';
import { operations } from './verbs/operations.ts';
import { owned } from './verbs/owned.ts';
import { hostCheck, udpAsk, udpListen } from './verbs/reach.ts';
import {
  forwardApply,
  forwardRemove,
  routedApply,
  routedDescribe,
  routedRemove,
} from './verbs/routed.ts';
import {
  guestExec,
  guestPoll,
  vmConsole,
  vmDescribe,
  vmEnsure,
  vmRemove,
  vmReserve,
  vmStart,
  vmStop,
} from './verbs/vm.ts';

/** Every verb, what guards it, and the function that does it. */
export const verbHandlers: VerbHandlers = {
  facts: { guard: 'none', run: facts },
  owned: { guard: 'none', run: owned },
  operations: { guard: 'none', run: operations },

  // Chunks come several at a time; each image has a lock of its own where it needs one.
  'image.state': { guard: 'none', run: imageState },
  'image.chunk': { guard: 'none', run: imageChunk },
  'image.finish': { guard: 'none', run: imageFinish },
  'image.serve': { guard: 'lock', run: imageServe },
  'image.fetch': { guard: 'lock', run: imageFetch },

  'vm.reserve': { guard: 'change', run: vmReserve },
  'vm.ensure': { guard: 'change', run: vmEnsure },
  'vm.start': { guard: 'change', run: vmStart },
  'vm.stop': { guard: 'change', run: vmStop },
  'vm.remove': { guard: 'change', run: vmRemove },
  'vm.describe': { guard: 'fence', run: vmDescribe },
  'vm.console': { guard: 'fence', run: vmConsole },
  // Changes something in the VM, not at the host: a slow agent must not hold the host's lock.
  'guest.exec': { guard: 'fence', run: guestExec },
  'guest.poll': { guard: 'fence', run: guestPoll },

  'supernode.ensure': { guard: 'change', run: supernodeEnsure },
  'supernode.describe': { guard: 'fence', run: supernodeDescribe },
  'supernode.remove': { guard: 'change', run: supernodeRemove },
  'overlay.apply': { guard: 'change', run: overlayApply },
  'overlay.describe': { guard: 'fence', run: overlayDescribe },
  'overlay.remove': { guard: 'change', run: overlayRemove },

  'routed.apply': { guard: 'change', run: routedApply },
  'routed.describe': { guard: 'fence', run: routedDescribe },
  'routed.remove': { guard: 'change', run: routedRemove },
  'forward.apply': { guard: 'change', run: forwardApply },
  'forward.remove': { guard: 'change', run: forwardRemove },

  // Outside the host's lock: a trial takes seconds, and builds go on meanwhile.
  'host.check': { guard: 'none', run: hostCheck },
  'udp.listen': { guard: 'none', run: udpListen },
  'udp.ask': { guard: 'none', run: udpAsk },
};
