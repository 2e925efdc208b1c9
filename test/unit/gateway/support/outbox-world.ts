/** An outbox in memory with real keys and signatures, and the drafts to fill it. */

import type { Batch, BatchDraft } from '../../../../devices/credential/batch.ts';
import { readBatch } from '../../../../devices/credential/batch-wire.ts';
import { openToken, verifyToken } from '../../../../devices/credential/jws.ts';
import { isRefusal } from '../../../../devices/credential/refusal.ts';
import { publicKeyOfDid } from '../../../../devices/identity/did-key.ts';
import type { Signer } from '../../../../devices/identity/signer.ts';
import type { Database } from '../../../../devices/io/sqlite.ts';
import { limits } from '../../../../devices/limits.ts';
import { silentLog, systemClock, systemRandom } from '../../../../devices/runtime.ts';
import { openOutbox } from '../../../../gateway/outbox-open.ts';
import { OutboxStore, type OutboxStoreOptions } from '../../../../gateway/outbox-store.ts';
import { memorySigner } from '../../../support/identity.ts';
import { readingGroups, someDigest, someProfile } from '../../../support/signed-batch.ts';

export const someGateway = memorySigner();

export interface StoreWorld {
  readonly db: Database;
  readonly store: OutboxStore;
  readonly device: Signer;
}

/** A store over `file`, by default in memory, for the devices given, by default one. */
export function openStore(
  options: Partial<
    Pick<
      OutboxStoreOptions,
      'bytesMax' | 'whenFull' | 'reserve' | 'lossesFile' | 'epochs' | 'random' | 'log'
    >
  > & { file?: string; devices?: readonly Signer[] } = {},
): StoreWorld {
  const { devices = [memorySigner()], file = ':memory:', ...rest } = options;
  const [device = memorySigner()] = devices;
  const log = rest.log ?? silentLog;
  const db = openOutbox(file, { clock: systemClock, log });
  const store = new OutboxStore({
    db,
    signers: new Map(devices.map((signer) => [signer.did, signer])),
    bytesMax: limits.outboxBytesMaxDefault,
    random: systemRandom,
    log: silentLog,
    ...rest,
  });
  return { db, store, device };
}

/** A draft of `points` readings at `closedMs`. */
export function draftOf(
  device: string,
  closedMs = 1_767_225_600_000,
  points = 3,
  more: Partial<BatchDraft> = {},
): BatchDraft {
  return {
    device,
    gateway: someGateway.did,
    profile: someProfile,
    configuration: someDigest,
    readPoint: 'did:web:northline.example/facility/neche',
    clock: { source: 'unknown', monotonicMs: 1, steps: 0 },
    closedMs,
    groups: points === 0 ? [] : readingGroups({ fromMs: closedMs - 10, times: 1, points }),
    losses: [],
    ...more,
  };
}

/** The batch in a token, whose signature must be the device's. */
export function openBatch(token: Uint8Array): Batch & { readonly digest: string } {
  const opened = openToken(token, limits.batchBytesMax);
  if (isRefusal(opened)) throw new Error(opened.reason);
  const batch = readBatch(opened.payload);
  if (isRefusal(batch)) throw new Error(batch.reason);
  if (!verifyToken(opened, publicKeyOfDid(batch.device))) throw new Error('wrong signature');
  return { ...batch, digest: opened.digest };
}

/** Every batch in the store, lowest id first. */
export function allBatches(store: OutboxStore): (Batch & { readonly digest: string })[] {
  return store.peek({ after: 0, count: 100_000 }).map(({ token }) => openBatch(token));
}
