import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { keyLabelsOf, nextLabelOf, signingDidOf } from '../../../gateway/key-generations.ts';

const key = (label: string) => ({ label, did: `did:${label}` });
const keys = ['meter-1~10', 'meter-1~2', 'meter-1', 'meter-10', 'meter-2', 'gateway'].map(key);
const choose = (device: string, enrolledDid?: string, ...signed: string[]) =>
  signingDidOf(device, { keys, enrolledDid, signed: new Set(signed) });

describe('the keys of a device', () => {
  it('have labels that no device can be called by, and an end', () => {
    expect(keyLabelsOf('meter-1').slice(0, 3)).toEqual(['meter-1', 'meter-1~2', 'meter-1~3']);
    expect(nextLabelOf('meter-1', ['meter-1'])).toBe('meter-1~2');
    expect(nextLabelOf('meter-1', ['meter-1', 'meter-1~3'])).toBe('meter-1~2');
    const all = keyLabelsOf('meter-1');
    expect(all).toHaveLength(limits.keyGenerationsMax);
    expect(() => nextLabelOf('meter-1', all)).toThrow(
      expect.objectContaining({ code: 'KEY_LABEL_TAKEN' }),
    );
  });

  it('sign as the enrolment at hand says, then as they signed last, then from the first on', () => {
    expect(choose('meter-1')).toBe('did:meter-1');
    expect(choose('meter-1', 'did:meter-1~2')).toBe('did:meter-1~2');
    expect(choose('meter-1', 'did:meter-1', 'did:meter-1', 'did:meter-1~2')).toBe('did:meter-1');
    expect(choose('meter-1', undefined, 'did:meter-1', 'did:meter-1~2')).toBe('did:meter-1~2');
    expect(choose('meter-1', undefined, 'did:meter-1~10', 'did:meter-1~2')).toBe('did:meter-1~10');
    // An enrolment of another device's key gives that key to nobody.
    expect(choose('meter-1', 'did:meter-2')).toBe('did:meter-1');
    expect(choose('meter-3')).toBeUndefined();
  });
});
