/**
 * Custody steps while the web server with their signers' status lists is out of order: what waits,
 * what takes effect when it is back, and what never does.
 */
import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { formatTime } from '../../../devices/runtime.ts';
import { eventually } from '../../support/eventually.ts';
import { newId } from '../../support/party.ts';
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
  possessor,
  prairie,
  publish,
  published,
  refresh,
  shown,
  startAgain,
  store,
  submit,
  transfer,
  urlOf,
} from '../../support/pending-world.ts';
import { worldMs } from '../../support/trust-world.ts';

describe('a custody step while its status lists are not to be had', () => {
  it('counts in the last millisecond of the 300 s, and is pending in the next', async () => {
    await known();
    published.clear();
    clock.advance(limits.statusStaleMs);
    expect(await submit(await transfer(northline, lakeside))).not.toHaveProperty('standing');
    clock.advance(1);
    const late = await submit(await transfer(northline, prairie));
    expect(late).toMatchObject({ outcome: 'accepted', standing: 'pending' });
    expect(store.read(late.position ?? -1, 1)[0]?.header.standing).toBe('pending');
  });

  it('is pending for the lists of the receiver too', async () => {
    await known();
    clock.advance(limits.statusStaleMs + 1);
    published.delete('lakeside.example/status/1');
    await eventually(() => {
      clock.advance(limits.statusRefreshMs);
      return (ingest.trust.checks.get(urlOf(northline)) ?? 0) > worldMs + limits.statusStaleMs;
    }, "the releaser's list");
    const step = await submit(await transfer(northline, lakeside));
    expect(step.standing).toBe('pending');
    expect(await submit(await transfer(northline, prairie))).not.toHaveProperty('standing');
  });

  it('waits at its place, is shown so, and counts there when the server is back', async () => {
    await known();
    await outage();
    const first = await transfer(northline, lakeside);
    const { position } = await submit(first);
    const { id, digest } = first;
    const previous = { id, digest };
    await submit(await transfer(lakeside, prairie, { previous }));
    // It came later, so it must not overtake: the first claim has its place.
    await submit(await transfer(northline, prairie, { index: 8 }));
    expect(possessor()).toBeUndefined();
    expect(shown().pending?.map(({ act, to, position: at }) => ({ act, to, at }))).toMatchObject([
      { act: 'transfer', to: 'lakeside', at: position },
      { act: 'transfer', to: 'prairie' },
      { act: 'transfer', to: 'prairie' },
    ]);
    for (const one of [northline, lakeside]) await publish(one);
    await look();
    expect(acts().map(({ effect }) => effect)).toEqual(['take', 'take', 'take']);
    expect(possessor()).toBe(prairie.did);
    expect(shown()).not.toHaveProperty('pending');
    // The later claim to the first place is evidence, as it would have been without the outage.
    expect(shown().alerts).toMatchObject([{ code: 'CUSTODY' }]);
    expectRebuilt();
  });

  it('is void when the server is back and says that it is revoked; the evidence stays', async () => {
    await known();
    await outage();
    const { position } = await submit(await transfer(northline, lakeside));
    await submit(await transfer(northline, prairie, { index: 8 }));
    await publish(northline, [7]);
    await publish(lakeside);
    await look();
    expect(acts()).toMatchObject([
      { effect: 'void', reason: expect.stringContaining('VC_REVOKED: revoked in') },
      { effect: 'take' },
    ]);
    expect(possessor()).toBe(prairie.did);
    const [alert] = shown().alerts;
    expect(alert).toMatchObject({ code: 'CUSTODY', evidence: [position] });
    expect(alert?.text).toContain('VC_REVOKED');
    expect(store.read(position ?? -1, 1)[0]?.header.kind).toBe('party');
    expectRebuilt();
  });

  it('is void when the key that signed it was revoked before it came', async () => {
    await known();
    await outage();
    await submit(await transfer(northline, lakeside));
    const document = structuredClone(northline.document) as unknown as {
      verificationMethod: { revoked?: string }[];
    };
    const [method] = document.verificationMethod;
    if (method !== undefined) method.revoked = formatTime(worldMs + 1_000);
    const bytes = Buffer.from(JSON.stringify(document));
    await ingest.desk.add([{ name: 'did.json', bytes }], true);
    expect(acts()).toMatchObject([
      { effect: 'void', reason: expect.stringContaining('VC_KEY_REVOKED') },
    ]);
    expect(possessor()).toBeUndefined();
    expectRebuilt();
  });

  it('goes on waiting while one of its servers stays away, also across a restart', async () => {
    await known();
    await outage();
    await submit(await transfer(northline, lakeside));
    await publish(northline);
    await look();
    expect(acts()).toEqual([]);
    await refresh?.stop();
    await ingest.drain();
    startAgain();
    await publish(lakeside);
    await look();
    expect(acts()).toMatchObject([{ effect: 'take' }]);
    expect(possessor()).toBe(lakeside.did);
    expectRebuilt();
  });

  it('counts, or never does, when an officer says so', async () => {
    await known();
    await outage();
    const first = await submit(await transfer(northline, lakeside));
    const second = await submit(await transfer(northline, prairie, { index: 8 }));
    const say = (step: number | undefined, effect: string) =>
      ingest.decide({ step, effect, officer: 'A. Officer', reason: 'asked by telephone' });
    expect(await say(first.position, 'void')).toMatchObject({ step: first.position });
    expect(await say(second.position, 'take')).toMatchObject({ effect: 'take' });
    expect(possessor()).toBe(prairie.did);
    expect(shown().alerts[0]?.text).toContain('asked by telephone');
    expect(acts()).toMatchObject([{ officer: 'A. Officer', step: first.digest }, {}]);
    await expect(say(first.position, 'take')).rejects.toMatchObject({ code: 'IN_ACT' });
    await expect(say(0, 'take')).rejects.toMatchObject({ code: 'IN_ACT' });
    expectRebuilt();
  });

  it('is judged in pages, so that many of them hold up nothing', async () => {
    await known();
    await outage();
    const count = limits.pendingStepsPage + 5;
    for (let index = 0; index < count; index += 1) {
      const other = { id: newId(), goods: `${goods}-${index}` };
      await submit(await transfer(northline, prairie, other));
    }
    await publish(northline);
    await look();
    expect(acts()).toHaveLength(limits.pendingStepsPage);
    clock.advance(limits.statusRefreshMs);
    await eventually(() => acts().length === count, 'the rest');
    expectRebuilt();
  });
});
