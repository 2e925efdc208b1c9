/** W3C Bitstring Status List: derived lists, the Recommendation's own, and its test fixtures. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  decodeStatusList,
  readStatusList,
  statusAt,
} from '../../devices/credential/status-list.ts';
import { hasShared, sharedPath } from '../support/shared.ts';

interface Suite {
  readonly cases: readonly {
    readonly id: string;
    readonly encodedList: string;
    readonly minEntries?: number;
    readonly expectError?: string;
    readonly checks?: readonly (readonly [number, number | null])[];
  }[];
}

const folder = ['vectors', 'w3c-bitstring-status-list'] as const;

const suite: Suite = hasShared
  ? JSON.parse(readFileSync(sharedPath(...folder, 'derived-encoded-lists.json'), 'utf8'))
  : { cases: [] };

describe.skipIf(!hasShared)('bitstring status lists', () => {
  it('are all there', () => {
    expect(suite.cases).toHaveLength(4);
  });

  it.each(suite.cases)('$id', ({ encodedList, expectError, minEntries, checks = [] }) => {
    const decoded = decodeStatusList(encodedList);
    if (expectError !== undefined) {
      expect(decoded).toMatchObject({ code: 'VC_STATUS_INVALID' });
      expect('reason' in decoded && decoded.reason.startsWith(expectError)).toBe(true);
      for (const [index] of checks) expect(statusAt(encodedList, index)).toBeUndefined();
      return;
    }
    if (!(decoded instanceof Uint8Array)) throw new Error(decoded.reason);
    expect(decoded.length * 8).toBeGreaterThanOrEqual(minEntries ?? 0);
    for (const [index, status] of checks) expect(statusAt(encodedList, index)).toBe(status === 1);
  });

  it('are told from credentials that merely point to one', () => {
    const fixtures = hasShared ? readdirSync(sharedPath(...folder, 'vc-fixtures')) : [];
    expect(fixtures).toHaveLength(9);
    for (const fixture of fixtures) {
      const payload = JSON.parse(
        readFileSync(sharedPath(...folder, 'vc-fixtures', fixture), 'utf8'),
      );
      expect(readStatusList(payload)).toMatchObject({ code: 'VC_STATUS_INVALID' });
    }
  });
});
