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
import type { Statements } from './outbox-statements.ts';
import type { NewRow, Working } from './outbox-step.ts';
import type { DeviceRow } from './outbox-tables.ts';

/** `batch.priority`. */
export const URGENT = 0;
export const ORDINARY = 1;

/** Where the highest epoch of a device is kept apart from the disk, as in a token. */
export interface EpochGuard {
  /** The epoch that is kept, 0 before the first; `undefined` where none can be for this device. */
  read(device: string): Promise<number | undefined>;
  /** Resolves when the higher epoch is kept. */
  raise(device: string, epoch: number): Promise<void>;
}

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

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  /** Signs the draft as one batch, or as several where its credential would be too large. */
  async sign(draft: Draft, working: Working, level = 0): Promise<NewRow[]> {
    const { random, signers } = this.#options;
    const signer = signers.get(draft.device);
    assert(signer, `there is no key for ${draft.device}`);
    const { before, row: last } = await this.#historyOf(draft, working);
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

  /** Opens the device's epoch where none is open, so that what that shows can be said at once. */
  async open(draft: Draft, working: Working): Promise<void> {
    const { before, row } = await this.#historyOf(draft, working);
    working.devices.set(draft.device, { before, row });
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

  /** After the transaction: where the histories stand, or that their places are spent. */
  settle({ devices }: Working, isCommitted: boolean): void {
    for (const [did, { row }] of devices) {
      if (!isCommitted) this.#devices.delete(did);
      else if (row.sequence > 0) this.#devices.set(did, row);
    }
  }

  /** Where the device's history stands, with what is signed here and not committed. */
  async #historyOf(
    draft: Draft,
    working: Working,
  ): Promise<{ before: DeviceRow | undefined; row: DeviceRow }> {
    const did = draft.device;
    const known = working.devices.get(did);
    if (known) return known;
    const committed = this.#devices.get(did);
    if (committed) return { before: committed, row: committed };
    const before = this.#options.sql.device.get(did);
    return { before, row: await this.#openEpoch(draft, before) };
  }

  /** A new epoch behind the last digest; it is stored with its first batch. */
  async #openEpoch(draft: Draft, last: DeviceRow | undefined): Promise<DeviceRow> {
    const did = draft.device;
    const counter = await this.#counterOf(draft, last);
    return {
      did,
      epoch: counter,
      nonce: Buffer.from(this.#options.random.bytes(16)).toString('hex'),
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
  async #counterOf(draft: Draft, last: DeviceRow | undefined): Promise<number> {
    const { epochs, log, sql, transaction } = this.#options;
    const did = draft.device;
    const known = Math.max(last?.epoch ?? 0, sql.opening.get(did)?.epoch ?? 0);
    const before = await epochs?.read(did);
    if (before === undefined) return known + 1;
    const epoch = Math.max(known, before) + 1;
    const lastMs = last?.last_ms ?? draft.closedMs;
    const [fromMs, toMs] = [Math.min(lastMs, draft.closedMs), Math.max(lastMs, draft.closedMs)];
    // Meant first and raised then: a crash between the two is not taken for a restored disk.
    transaction(() => {
      sql.open.run(did, epoch);
      // What was signed on the disk that is gone is not known, not even how much.
      if (before > known) sql.recordLoss.run(did, 'rolled-back', fromMs, toMs, 0, 1);
    });
    if (before > known) {
      log.error('the disk is older than the token: it was restored, or another was copied', {
        device: did,
        epoch: before,
        known,
      });
    }
    await epochs?.raise(did, epoch);
    return epoch;
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
