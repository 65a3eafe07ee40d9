import { describe, expect, it } from 'vitest';
import { heartbeatSchema, phaseOfNode, uploadOf } from '../../src/domain/heartbeat.ts';

const node = (phase: string, fetchedAt: number | null) => ({
  name: 'c0',
  state: 'idle',
  phase,
  fetchedAt,
});

describe('the phase of a node', () => {
  it.each([
    ['waiting', null, 'DHCP'],
    ['boot', null, 'kernel'],
    ['config', 100, 'root'],
    ['services', 100, 'services'],
    ['idle', 100, 'idle'],
    ['drained', 100, 'drained'],
  ] as const)('that the frontend calls %s is told in words of a boot', (word, fetchedAt, phase) => {
    expect(phaseOfNode(node(word, fetchedAt), 50)).toBe(phase);
  });

  it('is not taken from an earlier boot', () => {
    expect(phaseOfNode(node('idle', 49), 50)).toBe('DHCP');
    expect(phaseOfNode(node('idle', 49), 0)).toBe('idle');
  });

  it('of which the frontend knows nothing is that of one that asks for its address', () => {
    expect(phaseOfNode(undefined, 0)).toBe('DHCP');
  });
});

describe('a heartbeat', () => {
  it('with words of another version is understood as far as possible', () => {
    const vms = [{ name: 'c0', site: 'beach', phase: 'levitating' }];
    expect(heartbeatSchema.parse({ vms, more: 1 })).toEqual({
      vms: [{ ...vms[0], phase: 'power' }],
    });
  });

  it('tells of an upload only if it says of how much', () => {
    expect(uploadOf({ bytes: 1, of: 2 })).toEqual({ bytes: 1, of: 2 });
    expect(uploadOf({ bytes: 1, of: 0 })).toBeUndefined();
    expect(uploadOf({ note: 'x' })).toBeUndefined();
  });
});
