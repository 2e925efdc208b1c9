/** The worker thread that owns the outbox's database and the keys. A shell: no logic of its own. */
import { strict as assert } from 'node:assert';
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { signToken } from '../devices/credential/jws.ts';
import { EdgeError } from '../devices/errors.ts';
import type { KeyStore, Signer } from '../devices/io/key-store.ts';
import { openKeyStore } from '../devices/io/key-store-open.ts';
import { lockDirectory } from '../devices/io/sqlite.ts';
import { limits } from '../devices/limits.ts';
import { type Log, type LogLevel, systemClock, systemRandom } from '../devices/runtime.ts';
import { GATEWAY_LABEL } from './config-check.ts';
import { createEpochGuard } from './epoch-guard.ts';
import type { Outbox, OutboxStats } from './outbox.ts';
import { createLocalOutbox, namedFailure } from './outbox-local.ts';
import { openLossesFile } from './outbox-losses-beside.ts';
import type {
  Identity,
  OutboxReply,
  OutboxRequest,
  OutboxSettings,
  SentError,
  Vouch,
} from './outbox-message.ts';
import { openOutbox } from './outbox-open.ts';
import { openReserve, RESERVE_FILE } from './outbox-reserve.ts';
import { OutboxStore } from './outbox-store.ts';
import { patientSigner } from './patient-signer.ts';

const say = (reply: OutboxReply) => parentPort?.postMessage(reply);

const logAt =
  (level: LogLevel): Log['info'] =>
  (message, fields = {}) =>
    say({ kind: 'log', level, message, fields });

const log: Log = {
  debug: logAt('debug'),
  info: logAt('info'),
  warn: logAt('warn'),
  error: logAt('error'),
};

interface Opened {
  readonly outbox: Outbox;
  readonly ids: Identity[];
  readonly openKeys: (labels: readonly string[]) => Promise<Identity[]>;
  readonly vouch: Vouch;
}

/** Keys, then the directory, then the database: a mistake in one leaves the next untouched. */
async function open(settings: OutboxSettings): Promise<Opened> {
  const keys = await openKeyStore(settings.keys);
  const closing = new AbortController();
  const patience = { clock: systemClock, log, stop: closing.signal };
  const patient = (signer: Signer) => patientSigner(signer, patience);
  const labelled = await Promise.all(
    settings.labels.map(async (label) => ({ label, signer: await keys.signer(label) })),
  );
  const labelByDid = new Map(labelled.map(({ label, signer }) => [signer.did, label]));
  const labelOf = (did: string) => labelByDid.get(did);
  const { bytesMax, countBatches: countsPlaces = false, whenFull } = settings;
  const epochs =
    keys.counters && createEpochGuard(keys.counters, { countsPlaces, labelOf, patience, log });
  assert(epochs || !countsPlaces, 'only a key store with counters is to count');
  // A token that cannot count is told at the start, and not with the first batch.
  const [one] = labelByDid.keys();
  if (countsPlaces && one !== undefined) await epochs?.read(one);
  lockDirectory(dirname(settings.file));
  const isLeft = hasWal(settings.file);
  const reserve = openReserve({
    file: join(dirname(settings.file), RESERVE_FILE),
    bytes: limits.outboxReserveFileBytes,
    ...{ clock: systemClock, random: systemRandom, log },
  });
  const lossesFile = openLossesFile(dirname(settings.file), log);
  const store = new OutboxStore({
    db: openOutbox(settings.file, { clock: systemClock, log, reserve }),
    signers: new Map(labelled.map(({ signer }) => [signer.did, patient(signer)])),
    ...{ bytesMax, whenFull, reserve, random: systemRandom, log },
    ...(epochs && { epochs }),
    ...(lossesFile && { lossesFile }),
  });
  if (isLeft) sayLeft(store.stats());
  const ids = labelled.map(({ label, signer }) => ({ label, did: signer.did }));
  const outbox = createLocalOutbox({ store, clock: systemClock });
  return {
    outbox: {
      ...outbox,
      async close() {
        closing.abort();
        await outbox.close();
        await keys.close();
      },
    },
    ids,
    vouch: async (vouched) => signToken({ ...vouched, signer: await keys.signer(GATEWAY_LABEL) }),
    openKeys: async (labels) => {
      const opened = await openKeys(keys, labels);
      for (const { label, signer } of opened) {
        labelByDid.set(signer.did, label);
        store.addSigner(patient(signer));
      }
      return opened.map(({ label, signer }) => ({ label, did: signer.did }));
    },
  };
}

/** A run that ends in order closes the database, which leaves no WAL beside it. */
function hasWal(file: string): boolean {
  return (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/** SQLite has put the WAL in order by now; what it cannot see is compared with its signature. */
function sayLeft({ damaged, readings, rows }: OutboxStats): void {
  const found = { batches: rows, readings, damaged };
  log.warn(
    'the last run did not end in order: what it committed is here, and is verified before it is sent',
    found,
  );
}

/** Those of the keys that are there now; they may have been made since the start. */
async function openKeys(keys: KeyStore, labels: readonly string[]) {
  const wanted = new Set(labels);
  const there = (await keys.look()).filter(({ label }) => wanted.has(label));
  const opened: { readonly label: string; readonly signer: Signer }[] = [];
  for (const { label } of there) opened.push({ label, signer: await keys.signer(label) });
  return opened;
}

async function answer({ openKeys, outbox, vouch }: Opened, request: OutboxRequest): Promise<void> {
  const { id, method, parameter } = request;
  try {
    const calls = { ...outbox, openKeys, vouch };
    const call = calls[method] as (parameter: unknown) => Promise<unknown>;
    const value = await call(parameter);
    say({ kind: 'done', id, value });
    if (method === 'close') parentPort?.close();
  } catch (error) {
    say({ kind: 'rejected', id, error: toSent(error) });
  }
}

function toSent(error: unknown): SentError {
  const parts: string[] = [];
  for (let at = error; at instanceof Error && parts.length < 5; at = at.cause) {
    parts.push(at.message);
  }
  const message = parts.join(': ') || String(error);
  return error instanceof EdgeError ? { code: error.code, message } : { message };
}

try {
  const opened = await open(workerData as OutboxSettings);
  parentPort?.on('message', (request: OutboxRequest) => void answer(opened, request));
  say({ kind: 'ready', identities: opened.ids });
} catch (error) {
  say({ kind: 'failed', error: toSent(namedFailure(error)) });
}
