/** Copies of one gateway that share a token, as a machine that was resumed from a snapshot has. */
import { readBatch } from '../../../../devices/credential/batch-wire.ts';
import { isRefusal } from '../../../../devices/credential/refusal.ts';
import { EdgeError } from '../../../../devices/errors.ts';
import type { CountedPlace, KeyCounters, Signer } from '../../../../devices/io/key-store.ts';
import type { Database } from '../../../../devices/io/sqlite.ts';
import { type Random, silentLog, systemClock } from '../../../../devices/runtime.ts';
import { createEpochGuard } from '../../../../gateway/epoch-guard.ts';
import type { OutboxStore } from '../../../../gateway/outbox-store.ts';
import { Chance } from '../../../sim/chance.ts';
import { openStore } from './outbox-world.ts';

/** When the token fails: before it does what it was asked, or after; and how long it takes. */
export interface Trouble {
  readonly fails?: (what: keyof KeyCounters) => 'before' | 'after' | undefined;
  readonly pause?: () => Promise<void>;
}

export interface MemoryToken extends KeyCounters {
  readonly places: Map<string, CountedPlace>;
  readonly asked: (keyof KeyCounters)[];
}

/** Counters that outlive the disk. */
export function memoryToken(canKeep = true, { fails, pause }: Trouble = {}): MemoryToken {
  const places = new Map<string, CountedPlace>();
  const asked: (keyof KeyCounters)[] = [];
  const at = (label: string) => places.get(label) ?? { epoch: 0, sequence: 0 };
  async function ask<T>(what: keyof KeyCounters, action: () => T): Promise<T> {
    asked.push(what);
    await pause?.();
    const failure = fails?.(what);
    if (failure === 'before') throw new EdgeError('KEY_TOKEN_FAILED', what);
    const done = action();
    if (failure === 'after') throw new EdgeError('KEY_TOKEN_FAILED', what);
    return done;
  }
  return {
    places,
    asked,
    read: (label) => ask('read', () => (canKeep ? at(label) : undefined)),
    raise: (label, epoch) => ask('raise', () => void places.set(label, { epoch, sequence: 0 })),
    advance: (label, { from, to }) =>
      ask('advance', () => {
        const { epoch, sequence } = at(label);
        if (epoch !== from.epoch || sequence !== from.sequence) return false;
        places.set(label, to);
        return true;
      }),
  };
}

/** What a key has signed for a place, whether it was committed or not. */
export interface Signed {
  readonly place: string;
  readonly content: string;
}

/** Places that were signed for with more than one content. */
export function signedTwice(signed: readonly Signed[]): string[] {
  const first = new Map<string, string>();
  const twice = signed.filter(({ content, place }) => {
    const before = first.get(place);
    if (before === undefined) first.set(place, content);
    return before !== undefined && before !== content;
  });
  return twice.map(({ place }) => place);
}

export interface Copy {
  readonly db: Database;
  readonly store: OutboxStore;
  readonly said: string[];
  /** From now on it has this token. */
  use(token: KeyCounters): void;
  /** Its chance goes on from another seed. */
  reseed(seed: number): void;
  /** Runs once, when the key is asked next. */
  atSignature(action: () => unknown): void;
}

/**
 * A gateway whose chance comes from `seed`: two of one seed that do the same are in the same state,
 * to the last bit, as long as their key makes the same signatures.
 */
export function startCopy(options: {
  readonly key: Signer;
  readonly seed: number;
  readonly countsPlaces: boolean;
  readonly token: KeyCounters;
  readonly signed: Signed[];
}): Copy {
  const { countsPlaces, key, seed, signed } = options;
  let { token } = options;
  let hook: (() => unknown) | undefined;
  const said: string[] = [];
  const say = (message: string) => void said.push(message);
  const log = { ...silentLog, error: say, warn: say };
  const signer: Signer = {
    ...key,
    async sign(data) {
      const action = hook;
      hook = undefined;
      await action?.();
      signed.push(signedOf(data));
      return key.sign(data);
    },
  };
  const counters: KeyCounters = {
    read: (label) => token.read(label),
    raise: (label, epoch) => token.raise(label, epoch),
    advance: (label, step) => token.advance(label, step),
  };
  const clock = { ...systemClock, sleep: async () => undefined };
  const patience = { clock, log, stop: new AbortController().signal };
  const labelOf = (did: string) => (did === key.did ? 'fc-1' : undefined);
  const epochs = createEpochGuard(counters, { countsPlaces, labelOf, patience, log });
  let chance = new Chance(seed);
  const random: Random = {
    bytes: (count) => chance.bytes(count),
    fraction: () => chance.fraction(),
  };
  const { db, store } = openStore({ devices: [signer], epochs, log, random });
  return {
    ...{ db, store, said },
    use(other) {
      token = other;
    },
    reseed(other) {
      chance = new Chance(other);
    },
    atSignature(action) {
      hook = action;
    },
  };
}

function signedOf(data: Uint8Array): Signed {
  const content = Buffer.from(data).toString('latin1');
  const payload = Buffer.from(content.split('.')[1] ?? '', 'base64url').toString();
  const batch = readBatch(JSON.parse(payload));
  if (isRefusal(batch)) throw new Error(batch.reason);
  const { device, epoch, sequence } = batch;
  return { place: `${device} ${epoch.counter} ${epoch.nonce} ${sequence}`, content };
}
