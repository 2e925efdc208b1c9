/** Custody steps of goods in bond while the web server of their surety is out of order. */
import { describe, expect, it } from 'vitest';
import { signToken } from '../../../devices/credential/jws.ts';
import type { Bond } from '../../../devices/credential/party/bond.ts';
import { familyFor } from '../../../devices/credential/party/families.ts';
import type { Movement } from '../../../devices/credential/party/movement.ts';
import { limits } from '../../../devices/limits.ts';
import type { Organisation } from '../../support/identity.ts';
import { bond, movement } from '../../support/party.ts';
import {
  acts,
  clock,
  expectRebuilt,
  goods,
  ingest,
  known,
  lakeside,
  look,
  northline,
  outage,
  partyOf,
  possessor,
  publish,
  published,
  refresh,
  shown,
  submit,
  surety,
  transfer,
  urlOf,
} from '../../support/pending-world.ts';
import { worldMs } from '../../support/trust-world.ts';

/** Bonds of both for goods that travel in bond; the surety's list was found with the others. */
async function bonded(): Promise<void> {
  await known();
  await publish(surety);
  await ingest.desk.add(
    [{ name: 's', bytes: published.get('surety.example/status/1') as Uint8Array }],
    false,
  );
  const dates = { validFromMs: worldMs - 1_000, validUntilMs: worldMs + 86_400_000 };
  const sign = async (statement: Bond | Movement, { signer }: Organisation) => {
    const payload = familyFor(statement).compose(statement);
    return { bytes: await signToken({ payload, signer, typ: 'vc+jwt' }) };
  };
  for (const [index, principal] of [northline, lakeside].entries()) {
    const status = [{ purpose: 'revocation', list: urlOf(surety), index }] as const;
    const one = bond({ ...dates, issuer: partyOf(surety), principal: partyOf(principal), status });
    expect(await submit(await sign(one, surety))).toMatchObject({ outcome: 'accepted' });
  }
  const by = partyOf(northline);
  const request = { issuer: by, carrier: by, liable: by, goods: [goods], atMs: worldMs };
  const asked = await sign(movement({ ...dates, ...request }), northline);
  expect(await submit(asked)).toMatchObject({ outcome: 'accepted' });
  await look();
  expect(ingest.trust.checks.size).toBe(3);
}

describe('a custody step of goods in bond while the list of the surety is not to be had', () => {
  it('waits for it, also when its signers are back, and counts when it is back too', async () => {
    await bonded();
    await outage();
    expect(await submit(await transfer(northline, lakeside))).toMatchObject({
      outcome: 'accepted',
      standing: 'pending',
    });
    for (const one of [northline, lakeside]) await publish(one);
    await look();
    expect(acts()).toEqual([]);
    expect(possessor()).toBeUndefined();
    await publish(surety);
    await look();
    expect(acts()).toMatchObject([{ effect: 'take' }]);
    expect(possessor()).toBe(lakeside.did);
    expectRebuilt();
  });

  it('is void when the list is back and says that the bond is revoked', async () => {
    await bonded();
    await outage();
    const { position } = await submit(await transfer(northline, lakeside));
    for (const one of [northline, lakeside]) await publish(one);
    await publish(surety, [1]);
    await look();
    expect(acts()).toMatchObject([
      { effect: 'void', reason: expect.stringMatching(/^IN_BOND_MISSING: .*revoked$/) },
    ]);
    expect(shown().alerts).toMatchObject([{ code: 'CUSTODY', evidence: [position] }]);
    expect(possessor()).toBeUndefined();
    expectRebuilt();
  });

  it('is settled by the list of the surety alone where the others were found', async () => {
    await bonded();
    published.delete('surety.example/status/1');
    clock.advance(limits.statusStaleMs + 1);
    await look();
    const step = await submit(await transfer(northline, lakeside));
    expect(step).toMatchObject({ standing: 'pending' });
    await refresh?.stop();
    // Nothing is heard of its signers meanwhile, so that only this list can wake it.
    published.clear();
    await publish(surety);
    await look();
    expect(acts()).toMatchObject([{ effect: 'take', step: step.digest }]);
    expectRebuilt();
  });
});
