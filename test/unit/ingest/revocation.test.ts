/** Revocations under load; `node test/bench/revocation.ts 1000` is the long form. */
import { expect, it } from 'vitest';
import { runRevocations } from '../../bench/revocation.ts';

it('bite at once: 100 at random instants under load, and nothing takes effect after', async () => {
  const counts = await runRevocations(100);
  process.stdout.write(`revocations: ${JSON.stringify(counts)}\n`);
  expect(counts).toMatchObject({ revoked: 100, late: 0 });
  // There was something to be revoked, and something that came too late.
  expect(counts.effective).toBeGreaterThan(0);
  expect(counts.without).toBeGreaterThan(0);
}, 120_000);
