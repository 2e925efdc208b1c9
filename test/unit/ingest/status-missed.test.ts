/** Status lists that came by hand and whose addresses answer nothing, or are never asked. */
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fetched, FetchRefusal } from '../../../devices/io/resolve/fetch-document.ts';
import { limits } from '../../../devices/limits.ts';
import { silentLog, systemRandom } from '../../../devices/runtime.ts';
import type { Ingest } from '../../../ingest/ingest.ts';
import { type JournalStore, openJournalStore } from '../../../ingest/journal-store.ts';
import { type StatusRefresh, startStatusRefresh } from '../../../ingest/status-refresh.ts';
import type { EntryHeader } from '../../../ingest/store.ts';
import { eventually } from '../../support/eventually.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { quietIngest } from '../../support/quiet-ingest.ts';
import { listUrl, makeWorld, type World, worldMs } from '../../support/trust-world.ts';

const refused: FetchRefusal = { code: 'NET_STATUS', reason: 'the server answered 503' };
let answer: (signal: AbortSignal) => Promise<Fetched | FetchRefusal>;
let asked: string[];
let warnings: string[];
let world: World;
let clock: ManualClock;
let store: JournalStore;
let ingest: Ingest;
let refresh: StatusRefresh | undefined;

beforeEach(async () => {
  answer = async () => refused;
  asked = [];
  warnings = [];
  world = makeWorld();
  clock = manualClock(worldMs);
  store = openJournalStore(':memory:');
  startAgain();
  const status = [{ purpose: 'revocation', list: listUrl, index: 7 }] as const;
  await add(world.document(), await world.enrolment({ status }));
});
afterEach(async () => {
  await refresh?.stop();
  await ingest.drain();
  store.close();
});

/** An ingester on what the journal has. */
function startAgain(): void {
  ingest = quietIngest(store, { clock });
}

async function add(...documents: Uint8Array[]): Promise<void> {
  const given = documents.map((bytes) => ({ name: 'file', bytes }));
  for (const { result } of await ingest.desk.add(given, false)) expect(result).toBe('added');
}

/** Looks for everything once, and goes on. */
async function look(names: readonly string[] = []): Promise<void> {
  await refresh?.stop();
  const { trust } = ingest;
  const named = names.map((list) => ({ list, organisation: world.organisation.did }));
  refresh = startStatusRefresh({
    trust: names.length === 0 ? trust : { ...trust, index: { ...store, namedLists: () => named } },
    desk: ingest.desk,
    fetch(url, signal) {
      asked.push(url);
      return answer(signal);
    },
    resolver: () => ({ resolve: async () => refused }),
    clock,
    random: systemRandom,
    log: { ...silentLog, warn: (_message, fields) => warnings.push(`${fields?.['of']}`) },
    failed: (error) => expect.unreachable(String(error)),
  });
  await refresh.first;
}

/** The header of a batch that comes now; `undefined` when it is held. */
async function send(): Promise<EntryHeader | undefined> {
  const bytes = await world.device.next(clock.nowMs());
  const before = store.size();
  const { held } = ingest.health.snapshot();
  ingest.receive({ bytes, gateway: world.fingerprint, receivedMs: clock.nowMs() });
  await eventually(
    () => store.size() > before || ingest.health.snapshot().held > held,
    'a verdict',
  );
  return store.read(before, 1)[0]?.header;
}

/** What the journal says of addresses that did not answer. */
const missed = () =>
  store
    .readKinds(['tick'])
    .map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()))
    .filter((tick) => 'missed' in tick);

describe('a list that came by hand', () => {
  it('grows old from the first look on that finds nothing at its address', async () => {
    await add(await world.statusList([]));
    clock.advance(limits.statusStaleMs * 10);
    expect(await send()).not.toHaveProperty('standing');
    const missedMs = clock.nowMs();
    await look();
    expect(warnings).toContain(listUrl);
    const digest = ingest.trust.statusLists.get(listUrl)?.digest;
    expect(missed()).toEqual([{ atMs: missedMs, missed: [{ list: listUrl, digest }] }]);
    clock.advance(limits.statusStaleMs);
    expect(await send()).not.toHaveProperty('standing');
    clock.advance(1);
    expect(await send()).toMatchObject({ kind: 'batch', standing: 'stale' });
  });

  it('does not grow young again by a restart, but by being found', async () => {
    const bytes = await world.statusList([]);
    await add(bytes);
    await look();
    clock.advance(limits.statusStaleMs + 1);
    await refresh?.stop();
    await ingest.drain();
    startAgain();
    expect(await send()).toMatchObject({ standing: 'stale' });
    await look();
    expect(missed()).toHaveLength(1);
    expect(await send()).toMatchObject({ standing: 'stale' });
    answer = async () => ({ bytes }) as Fetched;
    await look();
    expect(await send()).not.toHaveProperty('standing');
    expect(store.listChecks()).toEqual([{ list: listUrl, atMs: clock.nowMs() }]);
  });

  it('goes on after its end, marked, once its address is known not to answer', async () => {
    await add(await world.statusList([], { validUntilMs: worldMs + 1_000 }));
    clock.advance(1_001);
    expect(await send()).toBeUndefined();
    await look();
    expect(await send()).toMatchObject({ kind: 'batch', standing: 'stale' });
  });

  it('goes on saying who was revoked', async () => {
    await add(await world.statusList([7]));
    await look();
    clock.advance(limits.statusStaleMs + 1);
    expect(await send()).toMatchObject({ kind: 'doubtful', code: 'VC_REVOKED' });
  });

  it('grows old as well where so many are named that nobody looks for it', async () => {
    await add(await world.statusList([]));
    const others = Array.from(
      { length: limits.statusListsWatchedMax },
      (_, at) => `https://northline.example/other/${at}`,
    );
    answer = async (signal) => {
      await once(signal, 'abort');
      return refused;
    };
    void look(others);
    await eventually(() => ingest.trust.checks.has(listUrl), 'the clock of the list');
    await refresh?.stop();
    expect(asked).not.toContain(listUrl);
    clock.advance(limits.statusStaleMs + 1);
    expect(await send()).toMatchObject({ kind: 'batch', standing: 'stale' });
  });
});
