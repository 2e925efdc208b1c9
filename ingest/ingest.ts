/**
 * Wires the ingester's stages: source, receive, admit, record, receipts, apply. `createIngest` is
 * the part without threads, files and sockets, which the simulation runs; `startIngester` in
 * start.ts puts the real ones around it.
 */
import type { Signer } from '../devices/io/key-store.ts';
import { limits } from '../devices/limits.ts';
import { digestMultibase } from '../devices/profile.ts';
import type { Clock, Log } from '../devices/runtime.ts';
import type { Admitter } from './admitter.ts';
import { createHealth, type Health } from './health.ts';
import { createHeldBook, type HeldBook } from './held.ts';
import type { OpenJournal } from './journal.ts';
import { createReceipts } from './receipts.ts';
import { createReceive, type Receive } from './receive.ts';
import { createRecorder, type Recorder } from './record.ts';
import type { EntryKind, NewEntry } from './store.ts';
import { createTeller } from './tell.ts';
import { createTrustDesk, type TrustDesk } from './trust-change.ts';

export interface IngestOptions {
  readonly tenant: string;
  readonly journal: OpenJournal;
  readonly admitter: Admitter;
  /** Signs receipts; its DID is the ingester's. */
  readonly signer: Signer;
  readonly clock: Clock;
  readonly log: Log;
  /** Hands a receipt to the transport. Never rejects. */
  readonly reply: (gateway: string, receipt: Uint8Array) => Promise<void>;
  /** Told after each commit how many entries the journal has, so that application goes on. */
  readonly wake: (size: number) => void;
  /** Told once when a stage failed; nothing is acknowledged from then on. */
  readonly failed: (error: unknown) => void;
}

export interface Ingest {
  readonly receive: Receive['receive'];
  readonly trust: Recorder['trust'];
  readonly desk: TrustDesk;
  readonly health: Health;
  readonly held: HeldBook;
  /** Journals the routes and rules in force, unless the last entry says the same. */
  activateRules(rules: Uint8Array): Promise<void>;
  /** Takes nothing more; resolves when what was taken is stored and receipted. */
  drain(): Promise<void>;
}

export function createIngest(options: IngestOptions): Ingest {
  const { tenant, journal, admitter, clock, log } = options;
  const health = createHealth(limits.sitesMax);
  const held = createHeldBook(limits.heldDevicesMax);
  const recorder = createRecorder({
    tenant,
    journal,
    admitter,
    appended: (size) => {
      health.gauge({ positions: size });
      options.wake(size);
    },
  });
  const receipts = createReceipts(options);
  const tell = createTeller({ health, held, log });
  const sending = new Set<Promise<void>>();

  const receive = createReceive({
    admitter,
    record: recorder.record,
    stored(outcomes) {
      const sent = receipts.send(outcomes);
      sending.add(sent);
      void sent.then(() => sending.delete(sent));
      tell(outcomes, clock.nowMs());
      health.gauge({ queueBytes: receive.queuedBytes() });
    },
    failed: options.failed,
  });

  const ownEntry = (kind: EntryKind, bytes: Uint8Array): NewEntry => {
    const receivedMs = Math.round(clock.nowMs());
    const digest = digestMultibase(bytes);
    return { header: { version: 1, tenant, kind, receivedMs, digest }, bytes };
  };
  const stopTicks = startTicks(
    clock,
    async () => {
      if (recorder.trust.enrolments.size === 0) return;
      const text = JSON.stringify({ atMs: Math.round(clock.nowMs()) });
      await recorder.append([ownEntry('tick', Buffer.from(text))]);
    },
    options.failed,
  );

  health.gauge({ positions: journal.found.size });
  return {
    receive: receive.receive,
    trust: recorder.trust,
    desk: createTrustDesk({ tenant, recorder, nowMs: () => clock.nowMs() }),
    health,
    held,
    async activateRules(rules) {
      const last = journal.found.last.findLast(({ header }) => header.kind === 'rules');
      if (last?.header.digest === digestMultibase(rules)) return;
      await recorder.append([ownEntry('rules', rules)]);
    },
    async drain() {
      stopTicks();
      await receive.drain();
      await Promise.all(sending);
    },
  };
}

/** Ticks let deadlines fire: the fold knows no other clock. */
function startTicks(
  clock: Clock,
  tick: () => Promise<void>,
  failed: (error: unknown) => void,
): () => void {
  let cancel = () => {};
  let stopped = false;
  const next = () => {
    cancel = clock.after(limits.tickMs, () => {
      tick().then(() => {
        if (!stopped) next();
      }, failed);
    });
  };
  next();
  return () => {
    stopped = true;
    cancel();
  };
}
