/** Custody in the fold: what moves it, what waits, and what moves nothing (threat 11). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../../ingest/store.ts';
import {
  alice,
  bob,
  carol,
  claims,
  eve,
  folded,
  goods,
  pairAt,
  partyOf,
  possessor,
  stepOf,
  type Who,
} from '../../support/custody-steps.ts';
import {
  batchEntry,
  custodyActEntry,
  deviceDid,
  enrolmentEntry,
  partyEntry,
  reading,
  startMs,
} from '../../support/journal-entries.ts';
import { northline } from '../../support/party.ts';

describe('a step of custody', () => {
  it('moves the goods once both have signed, in two credentials or in one', () => {
    const [release, acceptance] = pairAt([1, 2], [northline, alice]);
    const half = folded(release);
    expect(possessor(half)).toBeUndefined();
    expect(possessor(half.apply([acceptance]))).toEqual({
      party: alice.id,
      name: 'alice',
      sinceMs: startMs,
      basis: 'declared',
      rule: 'custody-by-both-parties',
      source: { position: 2, issuer: alice.id },
    });
    const whole = folded(partyEntry(1, stepOf('transfer', [northline, bob])));
    expect(possessor(whole)).toMatchObject({ party: bob.id, source: { position: 1 } });
  });

  it('waits for the step before it and never skips it', () => {
    const first = partyEntry(1, stepOf('transfer', [northline, alice]));
    const second = partyEntry(2, stepOf('transfer', [alice, bob], { previous: first }));
    const third = partyEntry(3, stepOf('transfer', [bob, carol], { previous: second }));
    const world = folded(third);
    expect(possessor(world)).toBeUndefined();
    expect(possessor(world.apply([first]))?.party).toBe(alice.id);
    expect(possessor(world.restart().apply([second]))?.party).toBe(carol.id);
    expect(claims(world)).toBe(0);
  });

  it('begins with who names the goods or is named by their enrolment', () => {
    const device = deviceDid('meter');
    const enrolment = enrolmentEntry({ position: 0, device, scope: { possessor: alice } });
    const groups = [{ timeMs: startMs, about: goods, readings: [reading('flowRate', 1)] }];
    const batch = batchEntry({ position: 2, device, sequence: 1, groups });
    const step = partyEntry(1, stepOf('transfer', [alice, bob]));
    const world = folded(enrolment, step);
    expect(possessor(world)).toBeUndefined();
    // Only now is it known that the meter, whose enrolment names alice, reports on the goods.
    expect(possessor(world.apply([batch]))?.party).toBe(bob.id);
    expect(
      possessor(folded(enrolment, batch, partyEntry(3, stepOf('transfer', [eve, bob]))))?.party,
    ).toBe(alice.id);
  });

  it('goes to someone else when the first did not accept, which is no conflict', () => {
    const toAlice = partyEntry(1, stepOf('release', [northline, alice]));
    const [toBob, byBob] = pairAt([2, 3], [northline, bob]);
    const world = folded(toAlice, toBob, byBob);
    expect(possessor(world)?.party).toBe(bob.id);
    expect(claims(world)).toBe(0);
    // That alice accepts now is a later claim to a step that was taken.
    const late = partyEntry(4, stepOf('acceptance', [northline, alice], { release: toAlice }));
    expect(possessor(world.apply([late]))?.party).toBe(bob.id);
    expect(world.alerts('pipeline-batch', goods)).toMatchObject([
      { code: 'CUSTODY', severity: 'critical', evidence: [4] },
    ]);
  });

  it('is disputed where the acceptance says otherwise than the release', () => {
    const release = partyEntry(1, stepOf('release', [northline, alice]));
    const changes = { quantity: { value: '14000.00', unit: 'BLL' } };
    const other = partyEntry(2, stepOf('acceptance', [northline, alice], { release, changes }));
    for (const order of [
      [release, other],
      [other, release],
    ]) {
      const world = folded(...order);
      expect(possessor(world)).toBeUndefined();
      expect(claims(world)).toBe(1);
    }
  });
});

describe('what was never a step', () => {
  it('moves nothing: stale, double, forged', () => {
    const steps = fc.record({
      kind: fc.constantFrom('stale', 'double', 'forged', 'unknown'),
      who: fc.constantFrom(alice, bob, carol, eve),
      act: fc.constantFrom('transfer', 'release', 'acceptance'),
    });
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 12 }), (attempts) => {
        const first = partyEntry(1, stepOf('transfer', [northline, alice]));
        const second = partyEntry(2, stepOf('transfer', [alice, bob], { previous: first }));
        const world = folded(first, second);
        const before = world.state('pipeline-batch', goods).custody;
        for (const [index, { kind, who, act }] of attempts.entries()) {
          const position = 3 + index * 2;
          const parties = {
            stale: [alice, who === alice ? eve : who],
            double: [alice, who === alice ? eve : who],
            forged: [who === bob ? eve : who, carol === who ? eve : carol],
            unknown: [who === bob ? eve : who, partyOf('nobody')],
          }[kind] as [Who, Who];
          const previous = {
            stale: undefined,
            double: first,
            forged: second,
            unknown: partyEntry(999, stepOf('transfer', [eve, carol])),
          }[kind];
          if (parties[0].id === parties[1].id) continue;
          const [release, acceptance] = pairAt([position, position + 1], parties, previous);
          const whole = stepOf('transfer', parties, { ...(previous && { previous }) });
          world.apply(
            act === 'transfer'
              ? [partyEntry(position, whole)]
              : act === 'release'
                ? [release]
                : [release, acceptance],
          );
        }
        const after = world.state('pipeline-batch', goods).custody;
        expect(after?.head).toBe(before?.head);
        expect(after?.moves).toBe(2);
        expect(possessor(world)?.party).toBe(bob.id);
      }),
      { numRuns: 150 },
    );
  });

  it('a second claim is evidence against its signer, and so is a release by a stranger', () => {
    const first = partyEntry(1, stepOf('transfer', [northline, alice]));
    const double = partyEntry(2, stepOf('transfer', [northline, bob]));
    const stranger = partyEntry(3, stepOf('release', [eve, carol], { previous: first }));
    const world = folded(first, double, stranger);
    expect(possessor(world)?.party).toBe(alice.id);
    const [alert] = world.alerts('pipeline-batch', goods);
    expect(alert).toMatchObject({ evidence: [2, 3] });
    expect(alert?.text).toContain(`${eve.id} signed a release by ${eve.id}`);
  });
});

describe('a race', () => {
  it('of a thousand receivers has one winner: the pair that was complete first', () => {
    const seeds = fc.sample(fc.infiniteStream(fc.nat()), { seed: 4, numRuns: 1 })[0];
    const next = () => seeds?.next().value ?? 0;
    const pairs = Array.from({ length: 1_000 }, (_, index) =>
      pairAt([index * 2, index * 2 + 1], [northline, partyOf(`receiver-${index}`)]),
    );
    // Any interleaving: positions are given in the order of arrival.
    const entries = pairs
      .flat()
      .map((entry) => ({ entry, key: next() }))
      .sort((a, b) => a.key - b.key)
      .map(({ entry }, position) => ({ ...entry, position }));
    const complete = pairs.map(([release, acceptance]) =>
      Math.max(
        ...[release, acceptance].map((one) =>
          entries.findIndex(({ header }) => header.digest === one.header.digest),
        ),
      ),
    );
    const winner = complete.indexOf(Math.min(...complete));
    const world = folded(...entries);
    expect(possessor(world)?.party).toBe(`did:web:receiver-${winner}.example`);
    const state = world.state('pipeline-batch', goods);
    expect(state.custody).toMatchObject({ moves: 1 });
    expect(state.custody?.waiting.size).toBe(0);
    // All others claimed a place that was taken, but for releases that came before.
    expect(claims(world)).toBeGreaterThan(1_500);
  });
});

describe('a step that is pending', () => {
  const first = partyEntry(1, stepOf('transfer', [northline, alice]), { standing: 'pending' });
  const rival = partyEntry(2, stepOf('transfer', [northline, bob]));
  const act = (effect: 'take' | 'void') =>
    custodyActEntry(3, { goods, step: first.header.digest, effect });

  it('keeps its place, and takes effect there when an act says so', () => {
    const world = folded(first, rival);
    expect(possessor(world)).toBeUndefined();
    expect(possessor(world.restart().apply([act('take')]))?.party).toBe(alice.id);
    expect(claims(world)).toBe(1);
  });

  it('gives its place away when it could not be signed any more', () => {
    const world = folded(first, rival, act('void'));
    expect(possessor(world)?.party).toBe(bob.id);
    expect(claims(world)).toBe(1);
  });

  it('is not touched by acts about other steps', () => {
    const other = custodyActEntry(3, { goods, step: rival.header.digest, effect: 'void' });
    expect(possessor(folded(first, rival, other))).toBeUndefined();
  });
});

/** A chain of custody without conflicts, with steps in both forms. */
const chains = fc
  .array(fc.record({ to: fc.constantFrom(alice, bob, carol, eve), two: fc.boolean() }), {
    minLength: 1,
    maxLength: 7,
  })
  .map((hops) => {
    const entries: JournalEntry[] = [];
    let holder: Who = northline;
    let previous: JournalEntry | undefined;
    for (const { to, two } of hops) {
      if (to.id === holder.id) continue;
      const position = entries.length;
      const named = previous && { previous };
      if (two) entries.push(...pairAt([position, position + 1], [holder, to], previous));
      else entries.push(partyEntry(position, stepOf('transfer', [holder, to], { ...named })));
      previous = entries.at(-1);
      holder = to;
    }
    return { entries, holder };
  });

describe('a chain without conflicts', () => {
  it('gives the same twin in any order, and when the fold stops anywhere', () => {
    const shuffled = chains.chain(({ entries, holder }) =>
      fc.record({
        entries: fc.constant(entries),
        holder: fc.constant(holder),
        order: fc.shuffledSubarray(entries, { minLength: entries.length }),
        cut: fc.nat(14),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ entries, holder, order, cut }) => {
        const live = folded(...entries);
        const rebuilt = folded(...order.slice(0, cut))
          .restart()
          .apply(order.slice(cut));
        expect(rebuilt.stored()).toEqual(live.stored());
        expect(possessor(live)?.party).toBe(holder.id);
        expect(claims(live)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
