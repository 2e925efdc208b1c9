/**
 * Gives batches their places in their devices' histories and lets the keys sign them. A place is
 * signed once: what was signed and could not be committed is never sent, and its device goes on in
 * a new epoch. Every start opens one too, so that a restored disk shows as two epochs behind one
 * batch.
 */
import { strict as assert } from 'node:assert';
import { composeBatch } from '../devices/credential/batch-wire.ts';
import { prepareToken } from '../devices/credential/jws.ts';
import { prepareSelectiveBatch } from '../devices/credential/sd-jwt-issue.ts';
import { credentialDigest } from '../devices/envelope.ts';
import type { Signer } from '../devices/identity/signer.ts';
import { limits } from '../devices/limits.ts';
import type { Log, Random } from '../devices/runtime.ts';
import { readingsOf, spanOf, splitDraft } from './draft.ts';
import type { Draft } from './outbox.ts';
import { type Counting, contested, type EpochGuard, PlaceCounter } from './outbox-counting.ts';
import type { Statements } from './outbox-statements.ts';
import type { History, NewRow, RolledBack, Working } from './outbox-step.ts';
import type { DeviceRow } from './outbox-tables.ts';

/** `batch.priority`. */
export const URGENT = 0;
export const ORDINARY = 1;

export interface PlacesOptions {
  readonly sql: Statements;
  /** By device DID. */
  readonly signers: Map<string, Signer>;
  readonly random: Random;
  readonly log: Log;
  readonly epochs?: EpochGuard;
  readonly transaction: (action: () => void) => void;
}

export class Places {
  readonly #options: PlacesOptions;
  /** Devices whose epoch this run has opened, as committed. */
  readonly #devices = new Map<string, DeviceRow>();
  readonly #counter: PlaceCounter;

  constructor(options: PlacesOptions) {
    this.#options = options;
    this.#counter = new PlaceCounter({
      ...options,
      open: (draft, last, working, why) => this.#openEpoch(draft, last, working, why),
    });
  }

  /** Signs the draft as one batch, or as several where its credential would be too large. */
  async sign(draft: Draft, working: Working, level = 0): Promise<NewRow[]> {
    const { random, signers } = this.#options;
    const signer = signers.get(draft.device);
    assert(signer, `there is no key for ${draft.device}`);
    const history = await this.#historyOf(draft, working);
    const { before, row: last } = history;
    const place = placeBehind(last);
    const ids = { credential: uuid(random.bytes(16)), event: uuid(random.bytes(16)) };
    const payload = composeBatch(draft, place, ids);
    const { selective } = draft;
    const prepared = selective
      ? prepareSelectiveBatch({ payload, signer, random, ...selective })
      : prepareToken({ payload, signer, typ: 'vc+jwt' });
    // Looked at before it is signed: what is not sent must not have been signed for this place.
    if (prepared.bytes > limits.batchBytesMax || countAggregates(draft) > limits.batchReadingsMax) {
      const [first, second] = splitDraft(draft);
      const rows = await this.sign(first, working, level);
      return [...rows, ...(await this.sign(second, working, level))];
    }
    if (this.#counter.isCounting) {
      const counted = await this.#counter.count(draft, history, working);
      working.devices.set(draft.device, counted);
      if (counted !== history) return this.sign(draft, working, level);
    }
    const token = await prepared.sign();
    assert(token.length === prepared.bytes, 'a token is as long as it was said to be');
    const digest = credentialDigest(token);
    const { fromMs: from_ms, toMs: to_ms } = spanOf(draft);
    // Aggregates are about what was: they do not move the end of the history back.
    const last_ms = level > 0 ? last.last_ms : Math.trunc(to_ms);
    const { sequence } = place;
    const row = { ...last, sequence, last_id: ids.credential, last_digest: digest, last_ms };
    working.devices.set(draft.device, { before, row });
    working.bytes += token.length;
    const span = { from_ms, to_ms, closed_ms: draft.closedMs, bytes: token.length };
    const { device } = draft;
    const { epoch, nonce } = last;
    const priority = draft.priority === 'urgent' ? URGENT : ORDINARY;
    const named = { device, epoch, nonce, sequence, digest, readings: readingsOf(draft) };
    const losses = draft.losses.length > 0 ? JSON.stringify(draft.losses) : null;
    return [{ ...named, ...span, token, priority, losses, level }];
  }

  /**
   * Opens the device's epoch where none is open, or where the token is no longer where this run
   * left it, so that what that shows can be said at once.
   */
  async open(draft: Draft, working: Working): Promise<void> {
    const did = draft.device;
    const isOpen = working.devices.has(did) || this.#devices.has(did);
    const history = await this.#historyOf(draft, working);
    const isToLook = isOpen && this.#counter.isCounting;
    const now = isToLook ? await this.#counter.look(draft, history, working) : history;
    working.devices.set(did, now);
  }

  /** Takes the places that were signed for; nobody else may have had them meanwhile. */
  take({ devices }: Working): void {
    const { sql } = this.#options;
    for (const [did, { before, row }] of devices) {
      if (row.sequence === 0) continue;
      const now = sql.device.get(did);
      const isFree = now?.last_digest === before?.last_digest && now?.nonce === before?.nonce;
      assert(isFree, `the history of ${did} went on while its next batch was signed`);
      sql.move.run(row);
    }
  }

  /** Part of the transaction, behind what its batches drop: what they do not say is said later. */
  keepRolledBack(working: Working): void {
    this.#counter.keepRolledBack(working);
  }

  /** After the transaction: where the histories stand, or that their places are spent. */
  settle({ devices }: Working, isCommitted: boolean): void {
    for (const [did, { row }] of devices) {
      if (!isCommitted) this.#devices.delete(did);
      else if (row.sequence > 0) this.#devices.set(did, row);
      else this.#devices.delete(did);
    }
  }

  /** Where the device's history stands, with what is signed here and not committed. */
  async #historyOf(draft: Draft, working: Working): Promise<History> {
    const did = draft.device;
    const known = working.devices.get(did);
    if (known) return known;
    const committed = this.#devices.get(did);
    if (committed) return { before: committed, row: committed };
    const before = this.#options.sql.device.get(did);
    return { before, row: await this.#openEpoch(draft, before, working) };
  }

  /** A new epoch behind the last digest; it is stored with its first batch. */
  async #openEpoch(
    draft: Draft,
    last: DeviceRow | undefined,
    working: Working,
    counting?: Counting,
  ): Promise<DeviceRow> {
    const epoch = await this.#counterOf(draft, { last, working, isMoved: counting === 'moved' });
    const nonce = Buffer.from(this.#options.random.bytes(16)).toString('hex');
    // Nothing can be behind an epoch in which nothing was signed.
    if (last?.sequence === 0) return { ...last, epoch, nonce };
    return {
      did: draft.device,
      epoch,
      nonce,
      follows: last?.last_digest ?? null,
      sequence: 0,
      last_id: last?.last_id ?? '',
      last_digest: last?.last_digest ?? '',
      last_ms: last?.last_ms ?? 0,
      after_epoch: last?.epoch ?? null,
      after_nonce: last?.nonce ?? null,
      after_sequence: last?.sequence ?? null,
    };
  }

  /** The epoch behind the highest that this disk knows, and behind that of the guard. */
  async #counterOf(
    draft: Draft,
    {
      isMoved,
      last,
      working,
    }: {
      readonly last: DeviceRow | undefined;
      readonly working: Working;
      /** Told already, and a loss in any case. */
      readonly isMoved: boolean;
    },
  ): Promise<number> {
    const { epochs, log, sql } = this.#options;
    const did = draft.device;
    for (let tries = 0; tries < limits.epochTriesMax; tries += 1) {
      const known = Math.max(last?.epoch ?? 0, sql.opening.get(did)?.epoch ?? 0);
      const before = await epochs?.read(did);
      if (before === undefined) return known + 1;
      const epoch = Math.max(known, before.epoch) + 1;
      const isOlder = before.epoch > known;
      const isBehind = isOlder || isMoved;
      this.#mean(draft, epoch, { last, ...(isBehind && { rolledBack: working.rolledBack }) });
      if (isOlder && !isMoved) {
        log.error('the disk is older than the token: it was restored, or another was copied', {
          device: did,
          epoch: before.epoch,
          known,
        });
      }
      if (await epochs?.raise(did, epoch, before)) return epoch;
    }
    throw contested(did);
  }

  /** Meant first and raised then: a crash between the two is not taken for a restored disk. */
  #mean(
    { closedMs, device }: Draft,
    epoch: number,
    {
      last,
      rolledBack,
    }: { readonly last: DeviceRow | undefined; readonly rolledBack?: RolledBack[] },
  ): void {
    const { sql, transaction } = this.#options;
    const lastMs = last?.last_ms ?? closedMs;
    const [fromMs, toMs] = [Math.min(lastMs, closedMs), Math.max(lastMs, closedMs)];
    transaction(() => {
      sql.open.run(device, epoch);
      // What was signed on the disk that is gone is not known, not even how much.
      if (rolledBack) sql.recordLoss.run(device, 'rolled-back', fromMs, toMs, 0, 1);
    });
    rolledBack?.push({ device, fromMs, toMs });
  }
}

function placeBehind(last: DeviceRow) {
  const { after_epoch, after_nonce, after_sequence, epoch: counter, follows, nonce } = last;
  const isKnown = after_epoch !== null && after_nonce !== null && after_sequence !== null;
  const previous = last.last_digest && { id: last.last_id, digest: last.last_digest };
  return {
    epoch: {
      counter,
      nonce,
      ...(follows !== null && { follows }),
      ...(isKnown && {
        after: { counter: after_epoch, nonce: after_nonce, sequence: after_sequence },
      }),
    },
    sequence: last.sequence + 1,
    ...(previous && { previous }),
  };
}

function countAggregates({ aggregates = [] }: Draft): number {
  return aggregates.reduce((sum, group) => sum + group.aggregates.length, 0);
}

/** RFC 9562 §5.4 (version 4) of 16 random bytes. */
function uuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes);
  hex[6] = ((hex[6] ?? 0) & 0x0f) | 0x40;
  hex[8] = ((hex[8] ?? 0) & 0x3f) | 0x80;
  const text = hex.toString('hex');
  const parts = [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20)];
  return `urn:uuid:${parts.join('-')}-${text.slice(20)}`;
}
