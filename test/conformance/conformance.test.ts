/**
 * The published suites in `npm test`: the same cases as `npm run conformance`, and how many of them
 * there are, so that a suite that runs nothing cannot pass.
 */
import { describe, expect, it } from 'vitest';
import { hasShared, sharedPath } from '../support/shared.ts';
import { countsOf, runSuite } from './report.ts';
import { suites } from './suites.ts';
import { openVectors } from './vectors.ts';

/** Cases of our part of each suite, whatever becomes of them. */
const CASES: Readonly<Record<string, number>> = {
  'w3c-vc-di-eddsa': 9,
  'w3c-vc-di-ecdsa': 9,
  'w3c-vc-jose-cose-test-suite': 20,
  'w3c-vcdm2-test-suite': 53,
  'w3c-vcdm2-schema': 12,
  'w3c-bitstring-status-list': 13,
  'w3c-rdf-canon': 43,
  'jcs-rfc8785': 1003,
  wycheproof: 421,
  'did-key': 7,
  'gs1-epcis': 26,
  untp: 28,
  'w3c-ccg-traceability': 56,
  'derived-proofs': 52,
  'cbp-trade-profile': 22,
};

/** Cases that are not applicable (COSE), and open ones (the exchange interface). */
const EXCUSED: Readonly<Record<string, readonly [number, number]>> = {
  'w3c-vc-jose-cose-test-suite': [5, 0],
  'cbp-trade-profile': [0, 5],
};

describe.skipIf(!hasShared)('published suites', () => {
  const vectors = openVectors(sharedPath('vectors'));

  it.each(suites)('$name', async (suite) => {
    const { outcomes } = await runSuite(suite, vectors);
    const failed = outcomes.filter(({ result }) => result === 'failed');
    expect(failed.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([]);
    expect(outcomes).toHaveLength(CASES[suite.folder] ?? 0);
    const { passed, notApplicable, open } = countsOf({ suite: suite.name, outcomes });
    expect(passed).toBeGreaterThan(0);
    expect([notApplicable, open]).toEqual(EXCUSED[suite.folder] ?? [0, 0]);
  });
});
