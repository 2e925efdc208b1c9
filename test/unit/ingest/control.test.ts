import { describe, expect, it } from 'vitest';
import type { Movement } from '../../../devices/credential/party/movement.ts';
import { limits } from '../../../devices/limits.ts';
import type { JournalEntry } from '../../../ingest/store.ts';
import {
  alice,
  bob,
  carol,
  claims,
  eve,
  folded,
  goods,
  partyOf,
  possessor,
  stepOf,
  type Who,
} from '../../support/custody-steps.ts';
import { FoldWorld } from '../../support/fold-world.ts';
import {
  batchEntry,
  deviceDid,
  enrolmentEntry,
  partyEntry,
  reading,
  startMs,
} from '../../support/journal-entries.ts';
import { customs, movement, northline } from '../../support/party.ts';

describe('ownership', () => {
  const owner = (world: FoldWorld) => world.twin('pipeline-batch', goods).control.owner;
  const sale = (parties: readonly [Who, Who], previous?: JournalEntry) =>
    stepOf('transfer', parties, {
      ...(previous && { previous }),
      changes: { right: 'ownership' },
    });

  it('moves by the signatures of both, in a chain of its own beside custody', () => {
    const sold = partyEntry(1, sale([northline, alice]));
    const world = folded(sold, partyEntry(2, stepOf('transfer', [northline, bob])));
    expect(owner(world)).toEqual({
      party: alice.id,
      name: 'alice',
      sinceMs: startMs,
      basis: 'declared',
      rule: 'ownership-by-both-parties',
      source: { position: 1, issuer: alice.id },
    });
    expect(possessor(world)?.party).toBe(bob.id);
    world.restart().apply([partyEntry(3, sale([alice, carol], sold))]);
    expect(owner(world)?.party).toBe(carol.id);
    expect(possessor(world)?.party).toBe(bob.id);
    expect(claims(world)).toBe(0);
  });

  it('goes to the first pair; a second sale of the same goods is evidence', () => {
    const release = { changes: { right: 'ownership' as const } };
    const first = partyEntry(1, stepOf('release', [northline, alice], release));
    const second = partyEntry(2, stepOf('release', [northline, bob], release));
    const accept = (position: number, to: Who, named: JournalEntry) =>
      partyEntry(position, stepOf('acceptance', [northline, to], { release: named, ...release }));
    const world = folded(first, second, accept(3, bob, second), accept(4, alice, first));
    expect(owner(world)?.party).toBe(bob.id);
    expect(world.alerts('pipeline-batch', goods)).toMatchObject([
      { code: 'CUSTODY', evidence: [4] },
    ]);
  });

  it('is not begun by who only measures the goods, but by who is named as owner', () => {
    const device = deviceDid('meter');
    const at = { timeMs: startMs, about: goods, readings: [reading('flowRate', 1)] };
    const batch = batchEntry({ position: 1, device, sequence: 1, groups: [at] });
    const organisation = 'did:web:northline.example';
    const enrolled = (scope: object) =>
      enrolmentEntry({ position: 0, device, organisation, scope });
    const step = partyEntry(2, sale([alice, bob]));
    expect(owner(folded(enrolled({ possessor: alice }), batch, step))).toBeUndefined();
    expect(owner(folded(enrolled({ owner: alice }), batch, step))?.party).toBe(bob.id);
    // Known only after the sale, it counts all the same.
    expect(owner(folded(enrolled({ owner: alice }), step, batch))?.party).toBe(bob.id);
  });
});

describe('a hold by customs', () => {
  const hold = (position: number, changes: Partial<Movement>) =>
    partyEntry(position, movement({ goods: [goods], issuer: customs, atMs: startMs, ...changes }));
  const held = (world: FoldWorld) => world.twin('pipeline-batch', goods).control.hold;

  it('stands until the authority ends it, in whatever order the two come', () => {
    const begin = hold(1, { act: 'hold' });
    const end = hold(2, { act: 'release', atMs: startMs + 1 });
    expect(held(folded(begin))).toEqual({
      party: customs.id,
      name: customs.name,
      sinceMs: startMs,
      basis: 'declared',
      rule: 'hold-by-customs',
      source: { position: 1, issuer: customs.id },
    });
    expect(held(folded(begin, end))).toBeUndefined();
    expect(held(folded(end).restart().apply([begin]))).toBeUndefined();
  });

  it('is ended only by who began it, for its movement', () => {
    const begin = hold(1, { act: 'hold' });
    const other = hold(2, { act: 'release', atMs: startMs + 1, number: '257700053' });
    const rival = hold(3, { act: 'release', atMs: startMs + 1, issuer: eve });
    expect(held(folded(begin, other, rival))?.party).toBe(customs.id);
    expect(possessor(folded(begin))).toBeUndefined();
  });
});

describe('many steps', () => {
  it('wait up to a limit; one more is evidence and costs nothing', () => {
    const waiting = Array.from({ length: limits.custodyWaitingMax }, (_, index) =>
      partyEntry(index, stepOf('release', [northline, partyOf(`receiver-${index}`)])),
    );
    const world = folded(...waiting);
    expect(world.state('pipeline-batch', goods).custody?.waiting.size).toBe(waiting.length);
    expect(claims(world)).toBe(0);
    const late = stepOf('release', [northline, alice]);
    world.apply([partyEntry(500, late)]);
    expect(world.state('pipeline-batch', goods).custody?.waiting.size).toBe(waiting.length);
    expect(world.alerts('pipeline-batch', goods)[0]?.text).toContain('one too many');
  });

  it('move on beyond the moves that are remembered', () => {
    const world = new FoldWorld();
    let previous: JournalEntry | undefined;
    const count = limits.custodyPastMax + 10;
    for (let at = 0; at < count; at += 1) {
      const parties = at === 0 ? [northline, alice] : at % 2 === 1 ? [alice, bob] : [bob, alice];
      const step = stepOf('transfer', parties as [Who, Who], previous && { previous });
      previous = partyEntry(at, step);
      world.apply([previous]);
    }
    const { custody } = world.state('pipeline-batch', goods);
    expect(custody).toMatchObject({ moves: count, head: previous?.header.digest });
    expect(custody?.past).toHaveLength(limits.custodyPastMax);
    expect(claims(world)).toBe(0);
  });
});
