/**
 * Looks for status lists at the addresses under which credentials name them, and for the DID
 * documents of organisations. A list that changed is taken as if a person had given it; a document
 * that changed is only told of, since a person confirms it. A slow server delays nothing else.
 */
import type { Fetched, FetchRefusal } from '../devices/io/resolve/fetch-document.ts';
import type { Resolver } from '../devices/io/resolve/resolver.ts';
import { limits } from '../devices/limits.ts';
import type { Clock, Log, Random } from '../devices/runtime.ts';
import type { TrustBook } from './trust.ts';
import type { TrustDesk } from './trust-change.ts';

export interface StatusRefreshOptions {
  readonly trust: TrustBook;
  readonly desk: Pick<TrustDesk, 'refresh' | 'miss'>;
  /** Fetches a list; never rejects for what the other side does. */
  readonly fetch: (url: string, signal: AbortSignal) => Promise<Fetched | FetchRefusal>;
  /** Makes what asks for the DID documents that organisations publish, whatever is pinned. */
  readonly resolver: (signal: AbortSignal) => Resolver;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Told once when the journal failed; nothing is looked for from then on. */
  readonly failed: (error: unknown) => void;
}

export interface StatusRefresh {
  /** Resolves when everything known at the start was looked for once. */
  readonly first: Promise<void>;
  /** Ends what is under way; resolves when nothing of it is left. Idempotent. */
  stop(): Promise<void>;
}

/** One address that is looked at again and again. */
interface Watched {
  /** URL of a status list, or DID of an organisation. */
  readonly id: string;
  readonly isList: boolean;
  dueMs: number;
  failures: number;
  /** What was said last, so that it is said once. */
  said: string;
}

/** Why a look found nothing to rely on. */
interface Problem {
  readonly code: string;
  readonly reason: string;
}

/** Starts to look; what is named later is looked for within `limits.statusRefreshMsMin`. */
export function startStatusRefresh(options: StatusRefreshOptions): StatusRefresh {
  const { clock, random, trust } = options;
  const watched = new Map<string, Watched>();
  const underWay = new Set<Promise<void>>();
  const end = new AbortController();
  const resolver = options.resolver(end.signal);
  let cancelTurn = () => {};
  let isMissing = false;

  const look = async (one: Watched): Promise<void> => {
    one.dueMs = Number.POSITIVE_INFINITY;
    const problem = await lookAt(one, options, { resolver, signal: end.signal });
    if (end.signal.aborted) return;
    // Someone gave it by hand, but from now on it could say at its address what we do not hear.
    if (problem !== undefined && isNew(one.id, trust)) await options.desk.miss([one.id]);
    one.failures = problem === undefined ? 0 : one.failures + 1;
    tell(one, problem, options);
    // Servers that were restarted together are not asked together for ever.
    const jitter = 0.8 + 0.2 * random.fraction();
    one.dueMs = clock.monotonicMs() + jitter * pauseOf(one, trust);
  };
  /** Runs what reaches the journal; a failure ends everything. */
  const start = (action: Promise<void>): Promise<void> => {
    const done = action.catch((error) => {
      end.abort();
      options.failed(error);
    });
    underWay.add(done);
    void done.finally(() => underWay.delete(done));
    return done;
  };
  const turn = (): void => {
    const unwatched = watch(watched, trust);
    if (unwatched.length > 0 && !isMissing) {
      isMissing = true;
      void start(options.desk.miss(unwatched)).finally(() => {
        isMissing = false;
      });
    }
    const nowMs = clock.monotonicMs();
    for (const one of watched.values()) {
      if (underWay.size >= limits.statusFetchesMax) break;
      if (one.dueMs > nowMs) continue;
      void start(look(one)).finally(() => {
        // A place is free, so whoever waits for one need not wait for the clock.
        if (!end.signal.aborted && hasDue(watched, clock)) turn();
      });
    }
  };
  const turns = (): void => {
    turn();
    cancelTurn = clock.after(limits.statusRefreshMsMin, turns);
  };
  turns();
  return {
    first: firstLook(watched, underWay, end.signal),
    async stop() {
      cancelTurn();
      end.abort();
      await Promise.all(underWay);
    },
  };
}

/** Resolves when nothing is under way and nothing waits for its first look, or all was ended. */
async function firstLook(
  watched: ReadonlyMap<string, Watched>,
  underWay: ReadonlySet<Promise<void>>,
  signal: AbortSignal,
): Promise<void> {
  while (underWay.size > 0) await Promise.race(underWay);
  const waiting = [...watched.values()].some(({ dueMs }) => dueMs === FIRST);
  if (waiting && !signal.aborted) return firstLook(watched, underWay, signal);
}

const FIRST = Number.NEGATIVE_INFINITY;

function hasDue(watched: ReadonlyMap<string, Watched>, clock: Clock): boolean {
  const nowMs = clock.monotonicMs();
  return [...watched.values()].some(({ dueMs }) => dueMs <= nowMs);
}

/**
 * Adds what was named since: by what is stored, or by what a trusted organisation has proven and
 * is held for want of a list. What a message merely says is never looked for. Leaves out what is of
 * organisations that are trusted no longer. Answers lists in force for which there is no room, so
 * that nobody looks for them.
 */
function watch(watched: Map<string, Watched>, trust: TrustBook): string[] {
  const named = trust.index?.namedLists(limits.statusListsWatchedMax) ?? [];
  const wantedBy = [...trust.wanted].flatMap(([organisation, lists]) =>
    [...lists].map((list) => ({ list, organisation })),
  );
  const lists = [...named, ...wantedBy].filter(
    ({ list, organisation }) => list.startsWith('https:') && trust.organisations.has(organisation),
  );
  const dids = [...trust.organisations.keys()].filter((did) => did.startsWith('did:web:'));
  const wanted = new Set([...lists.map(({ list }) => list), ...dids]);
  for (const id of watched.keys()) if (!wanted.has(id)) watched.delete(id);
  for (const id of wanted) {
    if (watched.has(id)) continue;
    if (watched.size >= limits.statusListsWatchedMax) break;
    const isList = !id.startsWith('did:');
    watched.set(id, { id, isList, dueMs: FIRST, failures: 0, said: '' });
  }
  if (watched.size < limits.statusListsWatchedMax) return [];
  return [...trust.statusLists.keys()].filter((id) => !watched.has(id) && isNew(id, trust));
}

/** Whether a list is in force of which it is not known whether its address answers. */
function isNew(id: string, { checks, statusLists }: TrustBook): boolean {
  return id.startsWith('https:') && statusLists.has(id) && !checks.has(id);
}

/** How long until the next look: the list's own ttl at most, and after failures ever longer. */
function pauseOf({ id, isList, failures }: Watched, trust: TrustBook): number {
  const ttlMs = trust.statusLists.get(id)?.list.ttlMs ?? limits.statusRefreshMs;
  const everyMs = Math.min(Math.max(ttlMs, limits.statusRefreshMsMin), limits.statusRefreshMs);
  if (failures > 0) {
    const retryMs = limits.statusRetryMs * 2 ** Math.min(failures - 1, 16);
    return Math.min(retryMs, isList ? limits.statusRefreshMs : limits.didCheckMs);
  }
  return isList ? everyMs : limits.didCheckMs;
}

async function lookAt(
  { id, isList }: Watched,
  { desk, fetch, trust }: StatusRefreshOptions,
  { resolver, signal }: { readonly resolver: Resolver; readonly signal: AbortSignal },
): Promise<Problem | undefined> {
  if (!isList) {
    const resolved = await resolver.resolve(id);
    if ('code' in resolved) return resolved;
    const pinned = trust.organisations.get(id);
    if (pinned === undefined || pinned.digest === resolved.digest) return undefined;
    return { code: 'IN_CONFIRM', reason: 'it is not the one that was pinned' };
  }
  const fetched = await fetch(id, signal);
  if ('code' in fetched) return fetched;
  if (signal.aborted) return undefined;
  const { code, reason = '' } = await desk.refresh(id, fetched.bytes);
  return code === undefined ? undefined : { code, reason };
}

/** Says what changed since the last look, once. */
function tell(one: Watched, problem: Problem | undefined, options: StatusRefreshOptions): void {
  const { log, trust } = options;
  const said = problem?.code ?? '';
  if (said === one.said) return;
  one.said = said;
  const what = one.isList ? 'the status list' : 'the DID document';
  if (problem === undefined) {
    log.info(`${what} is found again at its address`, { of: one.id });
    return;
  }
  const fields = { of: one.id, code: problem.code, reason: problem.reason };
  const message = `${what} at its address cannot be relied on`;
  // An ingester that is given all its papers by hand may have no way to any of these addresses.
  const isExpected = one.isList ? trust.checks.has(one.id) : said === 'IN_CONFIRM';
  if (isExpected) log.warn(message, fields);
  else log.debug(message, fields);
}
