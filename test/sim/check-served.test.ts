/** That a value is asked for which a sensor gave and nobody signed. */
import { expect, it } from 'vitest';
import { checkServed } from './check-served.ts';
import { noFacts, type SignedBatch } from './facts.ts';

const device = 'did:key:zDevice';

function factsOf(batches: readonly Partial<SignedBatch>[]) {
  const facts = noFacts();
  for (const [index, batch] of batches.entries()) {
    const place = { device, counter: 1, nonce: 'n', sequence: index + 1, lost: 0, values: [] };
    facts.signed.set(String(index), { ...place, ...batch } as SignedBatch);
  }
  return facts;
}

const values = (...numbers: number[]) => numbers.map((value) => ({ point: 'volume', value }));

it('sees a value that is missing between two of one run, unless a loss counts it', () => {
  const first = { values: values(1, 2) };
  const served = () => ({ count: 6, isAsked: true });
  expect(checkServed(factsOf([first, { values: values(4, 5) }]), served)).toHaveLength(1);
  expect(checkServed(factsOf([first, { values: values(4, 5), lost: 1 }]), served)).toEqual([]);
  // A cut between two runs takes what was in memory.
  const next = { values: values(4, 5), counter: 2, nonce: 'm' };
  expect(checkServed(factsOf([first, next]), served)).toEqual([]);
});
