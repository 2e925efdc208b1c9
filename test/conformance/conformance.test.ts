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
  'w3c-rdf-canon': 43,
  'jcs-rfc8785': 1003,
  wycheproof: 421,
  'did-key': 7,
  'gs1-epcis': 26,
  untp: 21,
  'w3c-ccg-traceability': 55,
};

describe.skipIf(!hasShared)('published suites', () => {
  const vectors = openVectors(sharedPath('vectors'));

  it.each(suites)('$name', async (suite) => {
    const { outcomes } = await runSuite(suite, vectors);
    const failed = outcomes.filter(({ result }) => result === 'failed');
    expect(failed.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([]);
    expect(outcomes).toHaveLength(CASES[suite.folder] ?? 0);
    const { passed } = countsOf({ suite: suite.name, outcomes });
    expect(passed).toBeGreaterThan(0);
  });
});
