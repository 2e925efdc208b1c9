/** When an ingester is doubted that nothing contradicts, and when it is not. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { entriesOf, TestJournal } from './support/record-world.ts';
import { WitnessSite } from './support/witness-world.ts';

let site: WitnessSite;
beforeEach(() => {
  site = new WitnessSite();
});
afterEach(() => site.close());

const other = new TestJournal(entriesOf(64, 'other'));

describe('an ingester that does not prove its record', () => {
  const doubted = () => [site.witness.state().unproven, site.said('error').length];

  it('is doubted after a row of checkpoints, with evidence, until it does', async () => {
    await site.hear(10);
    for (const size of [11, 12]) await site.hear(size, 9);
    // What came before proves nothing.
    await site.hear(10);
    expect([doubted(), site.names()]).toEqual([[false, 0], ['kept.jwt']]);
    for (const size of [13, 14, 15]) await site.hear(size);
    expect(site.witness.state()).toMatchObject({ unproven: true, contradiction: false });
    expect(site.said('error')).toEqual([expect.stringMatching(/not prove.* kept=10 .* told=13 /)]);
    expect(site.evidence('unproven')).toMatchObject({ proof: [] });
    site.start();
    expect(site.witness.state().unproven).toBe(true);
    await site.hear(16, 10);
    expect([doubted(), site.said('info')]).toMatchObject([[false, 1], { length: 1 }]);
    const before = 'unproven-until-2026-01-01T000000.000Z.json';
    expect(site.names()).toEqual(['kept.jwt', before]);
    for (const size of [17, 18]) await site.hear(size);
    expect(doubted()).toEqual([false, 1]);
    await site.hear(19);
    expect(doubted()).toEqual([true, 2]);
  });

  it('is not doubted as long as it cannot know what is kept', async () => {
    const { send } = site;
    await site.hear(10);
    site.start();
    // A new run has told it nothing yet, and then the line takes nothing.
    site.send = async () => {
      throw new Error('the line is down');
    };
    for (const size of [11, 12, 13, 14, 15]) await site.hear(size, 9);
    expect([doubted(), site.names()]).toEqual([[false, 0], ['kept.jwt']]);
    site.send = send;
    for (const size of [16, 17, 18]) await site.hear(size, 9);
    expect(doubted()).toEqual([false, 0]);
    await site.hear(19, 9);
    expect(doubted()).toEqual([true, 1]);
  });

  it('is not accused for a proof that the line may have changed, unless it stays so', async () => {
    await site.hear(10);
    for (const size of [12, 13]) await site.hear(size, 10, other);
    expect([doubted(), site.names()]).toEqual([[false, 0], ['kept.jwt']]);
    await site.hear(14, 10, other);
    expect([doubted(), site.kept()]).toEqual([[true, 1], 10]);
    const proof = other.proof(10, 14).map((one) => Buffer.from(one).toString('hex'));
    expect(site.evidence('unproven')).toMatchObject({ from: 10, proof });
  });
});

describe('an ingester that shows nothing further', () => {
  const isSilent = () => site.witness.state().silent;

  it('is told of once, while its receipts come, until it does', async () => {
    await site.hear(10);
    site.clock.advance(limits.checkpointSilentMs);
    site.witness.receipted();
    // Only since this receipt is one owed.
    expect(isSilent()).toBe(false);
    site.clock.advance(limits.checkpointSilentMs - 1);
    site.witness.receipted();
    // What came before is nothing further.
    await site.hear(10);
    expect(isSilent()).toBe(false);
    site.clock.advance(1);
    for (let times = 0; times < 3; times += 1) site.witness.receipted();
    expect([isSilent(), site.said('warn')]).toMatchObject([true, { length: 1 }]);
    await site.hear(11, 10);
    expect(isSilent()).toBe(false);
  });

  it('owes nothing over a line that was down meanwhile', async () => {
    await site.hear(10);
    site.witness.receipted();
    site.clock.advance(limits.checkpointSilentMs);
    site.witness.connected();
    site.witness.receipted();
    expect(isSilent()).toBe(false);
  });
});
