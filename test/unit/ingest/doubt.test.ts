/** From the uplink to the twins: revoked keys, cloned keys, and what an officer makes of them. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openReceipt } from '../../../devices/credential/receipt-wire.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { credentialDigest } from '../../../devices/envelope.ts';
import { silentLog } from '../../../devices/runtime.ts';
import { createInlineAdmitter } from '../../../ingest/admitter.ts';
import { Queries } from '../../../ingest/api-queries.ts';
import { Applier } from '../../../ingest/apply-engine.ts';
import { foldPlugins } from '../../../ingest/apply-plugins.ts';
import { createIngest, type Ingest } from '../../../ingest/ingest.ts';
import { createLocalJournal } from '../../../ingest/journal.ts';
import { type JournalStore, openJournalStore } from '../../../ingest/journal-store.ts';
import { twinId } from '../../../ingest/twin.ts';
import { openTwinsStore, type TwinsStore } from '../../../ingest/twins-store.ts';
import { eventually } from '../../support/eventually.ts';
import { memorySigner } from '../../support/identity.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { BatchMaker } from '../../support/signed-batch.ts';
import { listUrl, makeWorld, type World, worldMs } from '../../support/trust-world.ts';

const signer = memorySigner();
const status = [{ purpose: 'revocation', list: listUrl, index: 7 }] as const;

/** An ingester over a journal in memory, with its twins. */
class Office {
  readonly world: World = makeWorld();
  readonly clock = manualClock(worldMs);
  readonly store: JournalStore = openJournalStore(':memory:');
  readonly twins: TwinsStore = openTwinsStore(':memory:');
  readonly applier = this.applierOf(this.twins);
  readonly outcomes = new Map<string, { outcome: string; code?: string }>();
  private readonly seen: string[] = [];
  readonly ingest: Ingest = createIngest({
    tenant: 'cbp',
    journal: createLocalJournal(this.store),
    admitter: createInlineAdmitter('cbp'),
    signer,
    clock: this.clock,
    log: silentLog,
    reply: async (_gateway, bytes) => {
      const receipt = openReceipt(bytes, signer.did);
      if (isRefusal(receipt)) throw new Error(receipt.reason);
      for (const { digest, outcome, code } of receipt.results) {
        this.outcomes.set(digest, { outcome, ...(code && { code }) });
        this.seen.push(digest);
      }
    },
    wake: () => this.applier.drain(),
    failed: (error) => {
      throw error;
    },
  });
  private lists = 0;

  async open(): Promise<this> {
    const { world } = this;
    const given = [world.document(), await world.statusList([]), await world.enrolment({ status })];
    await this.trust(...given);
    return this;
  }

  async trust(...given: readonly Uint8Array[]): Promise<void> {
    const named = given.map((bytes, at) => ({ name: `${at}`, bytes }));
    const changes = await this.ingest.desk.add(named, false);
    expect(changes.map(({ result }) => result)).not.toContain('refused');
  }

  async setRevoked(isRevoked: boolean): Promise<void> {
    this.lists += 1;
    const validFromMs = worldMs + this.lists;
    await this.trust(await this.world.statusList(isRevoked ? [7] : [], { validFromMs }));
  }

  async send(bytes: Uint8Array): Promise<{ outcome: string; code?: string }> {
    const before = this.seen.length;
    this.ingest.receive({
      bytes,
      gateway: this.world.fingerprint,
      receivedMs: this.clock.nowMs(),
    });
    const digest = credentialDigest(bytes);
    await eventually(() => this.seen.indexOf(digest, before) >= 0, 'a receipt');
    return this.outcomes.get(digest) as { outcome: string };
  }

  positionOf(bytes: Uint8Array): number {
    const digest = credentialDigest(bytes);
    return this.store.read(0, 10_000).findIndex(({ header }) => header.digest === digest);
  }

  decide(accept: readonly number[], lift: readonly string[] = []) {
    return this.ingest.decide({ accept, lift, officer: 'officer 4711', reason: 'seal seen' });
  }

  doubts(query: object = {}) {
    const queries = new Queries({ journal: this.store, store: this.twins, plugins: foldPlugins });
    return JSON.parse(
      queries.answer({ ask: 'doubts', from: 0, count: 100, isOpen: true, ...query }),
    );
  }

  /** Batches of the device that have an effect. */
  effective(): number {
    const { did } = this.world.device.signer;
    const text = this.twins.load(twinId('cbp', 'device', did)) ?? '{}';
    return (JSON.parse(text) as { history?: { batches: number } }).history?.batches ?? 0;
  }

  /** The twins that the journal gives when it is folded anew. */
  rebuilt(): TwinsStore {
    const fresh = openTwinsStore(':memory:');
    this.applierOf(fresh).drain();
    return fresh;
  }

  async close(): Promise<void> {
    await this.ingest.drain();
    this.store.close();
    this.twins.close();
  }

  private applierOf(store: TwinsStore): Applier {
    return new Applier({ journal: this.store, store, plugins: foldPlugins });
  }
}

let office: Office;
beforeEach(async () => {
  office = await new Office().open();
});
afterEach(() => office.close());

describe('a batch that comes after the revocation of its key', () => {
  it('is answered so that the gateway lets it go, kept, shown, and has no effect', async () => {
    const { device } = office.world;
    const [before, after] = [await device.next(worldMs), await device.next(worldMs + 1)];
    expect(await office.send(before)).toEqual({ outcome: 'accepted' });
    await office.setRevoked(true);
    expect(await office.send(after)).toEqual({ outcome: 'refused', code: 'VC_REVOKED' });
    expect(office.effective()).toBe(1);
    const position = office.positionOf(after);
    expect(office.store.read(position, 1)).toMatchObject([
      { header: { kind: 'doubtful', since: 4 }, bytes: after },
    ]);
    expect(office.doubts()).toMatchObject({
      waiting: 1,
      doubtful: [{ position, label: 'fc-1', epoch: 1, sequence: 2, code: 'VC_REVOKED' }],
      quarantined: [],
    });
    expect(office.ingest.health.snapshot()).toMatchObject({ accepted: 1, refused: 0, doubtful: 1 });
  });

  it('takes effect when an officer accepts it, once, with name and reason', async () => {
    const { device } = office.world;
    await office.setRevoked(true);
    const late = await device.next(worldMs);
    await office.send(late);
    const position = office.positionOf(late);
    const answer = await office.decide([position]);
    expect(answer).toMatchObject({ accepted: [position], lifted: [] });
    expect(office.effective()).toBe(1);
    expect(office.doubts()).toMatchObject({ waiting: 0, doubtful: [] });
    expect(office.doubts({ isOpen: false, device: device.signer.did })).toMatchObject({
      doubtful: [
        { position, accepted: { officer: 'officer 4711', reason: 'seal seen', atMs: worldMs } },
      ],
    });
    await expect(office.decide([position])).rejects.toMatchObject({ code: 'IN_ACT' });
    expect(await office.send(late)).toEqual({ outcome: 'accepted' });
    expect(office.effective()).toBe(1);
  });

  it('needs no officer where it is chained under a receipt from before', async () => {
    const { device } = office.world;
    const all: Uint8Array[] = [];
    for (let at = 0; at < 5; at += 1) all.push(await device.next(worldMs + at));
    await office.send(all[4] as Uint8Array);
    await office.setRevoked(true);
    const answers = [];
    for (const one of all.slice(0, 4)) answers.push((await office.send(one)).outcome);
    expect(answers).toEqual(['refused', 'refused', 'refused', 'accepted']);
    expect(office.effective()).toBe(5);
    expect(office.doubts()).toMatchObject({ waiting: 0 });
    // The act behind the last batch was applied with it, not with whatever comes next.
    expect(office.applier.cursor).toBe(office.store.size());
  });
});

describe('a device whose key was cloned', () => {
  const clonedFrom = (world: World) => {
    const clone = new BatchMaker(world.device.signer, world.gateway);
    return (at: number) => clone.next(worldMs + at, {}, { epoch: world.device.epoch });
  };

  it('is in quarantine until an officer lifts it; nobody else is', async () => {
    const { world } = office;
    const clone = clonedFrom(world);
    await office.send(await world.device.next(worldMs));
    expect(await office.send(await clone(5))).toEqual({ outcome: 'refused', code: 'IN_FORK' });
    const next = await world.device.next(worldMs + 1);
    expect(await office.send(next)).toEqual({ outcome: 'refused', code: 'IN_QUARANTINE' });
    const { did } = world.device.signer;
    expect(office.doubts().quarantined).toMatchObject([{ device: did, label: 'fc-1' }]);
    await expect(office.decide([], ['did:key:zNobody'])).rejects.toMatchObject({ code: 'IN_ACT' });
    await office.decide([office.positionOf(next)], [did]);
    expect(office.doubts()).toMatchObject({ waiting: 0, quarantined: [] });
    expect(office.doubts({ isOpen: false }).quarantined).toMatchObject([
      { device: did, ended: { officer: 'officer 4711' } },
    ]);
    expect(await office.send(await world.device.next(worldMs + 2))).toEqual({
      outcome: 'accepted',
    });
    expect(office.effective()).toBe(3);
  });

  it('does not let an officer accept both of two that contradict each other', async () => {
    const { world } = office;
    const clone = clonedFrom(world);
    await office.setRevoked(true);
    const [genuine, other] = [await world.device.next(worldMs), await clone(5)];
    await office.send(genuine);
    expect(await office.send(other)).toEqual({ outcome: 'refused', code: 'IN_FORK' });
    const positions = [genuine, other].map((one) => office.positionOf(one));
    await expect(office.decide(positions)).rejects.toMatchObject({ code: 'IN_ACT' });
    await office.decide(positions.slice(0, 1));
    await expect(office.decide(positions.slice(1))).rejects.toMatchObject({ code: 'IN_ACT' });
    for (const bad of [{}, { accept: [0], lift: [], officer: '', reason: 'x' }]) {
      await expect(office.ingest.decide(bad)).rejects.toMatchObject({ code: 'IN_REQUEST' });
    }
    await expect(office.decide([])).rejects.toMatchObject({ code: 'IN_ACT' });
    await expect(office.decide([0])).rejects.toMatchObject({ code: 'IN_ACT' });
  });
});

describe('twins folded anew', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), at: fc.nat(7) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('clone' as const), at: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke' as const), at: fc.nat(1) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('decide' as const), at: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('lift' as const), at: fc.nat(0) }) },
  );

  it('are the live ones, whatever was revoked, cloned, accepted and lifted', async () => {
    const seen = { doubtful: 0, act: 0, equivocation: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        await office.close();
        office = await new Office().open();
        const { device } = office.world;
        const clone = new BatchMaker(device.signer, office.world.gateway);
        const batches: Uint8Array[] = [];
        const clones: Uint8Array[] = [];
        for (let at = 0; at < 8; at += 1) batches.push(await device.next(worldMs + at));
        for (let at = 0; at < 4; at += 1) {
          clones.push(await clone.next(worldMs + 50 + at, {}, { epoch: device.epoch }));
        }
        for (const { do: what, at } of steps) {
          if (what === 'send') await office.send(batches[at] as Uint8Array);
          else if (what === 'clone') await office.send(clones[at] as Uint8Array);
          else if (what === 'revoke') await office.setRevoked(at === 0);
          else {
            const { doubtful } = office.doubts() as { doubtful: { position: number }[] };
            const accept = what === 'decide' ? doubtful.slice(at, at + 1) : [];
            const lift = what === 'lift' ? [device.signer.did] : [];
            const positions = accept.map(({ position }) => position);
            await office.decide(positions, lift).catch((error: { code?: string }) => {
              expect(error.code).toBe('IN_ACT');
            });
          }
        }
        const rebuilt = office.rebuilt();
        const rows = rebuilt.list({ count: 100 });
        expect(rows.length).toBeGreaterThan(1);
        expect(office.twins.list({ count: 100 })).toEqual(rows);
        rebuilt.close();
        for (const { header } of office.store.read(0, 1_000)) {
          if (header.kind in seen) seen[header.kind as keyof typeof seen] += 1;
        }
        // What takes a place takes it once: the record of places and the twins agree.
        const places = office.store.highWater().reduce((sum, { count }) => sum + count, 0);
        expect(office.effective()).toBe(places);
      }),
      { numRuns: 30 },
    );
    expect(Math.min(seen.doubtful, seen.act, seen.equivocation)).toBeGreaterThan(5);
  }, 60_000);
});
