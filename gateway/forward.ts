/**
 * Brings committed batches to the ingester and waits for its signed receipt: live lane before
 * backlog lane, a bounded window, and back-off for what is not answered or held.
 *
 * Rows have rising ids. When the uplink comes up, the highest id divides them: what is committed
 * later is live, what was there is backlog. Each lane is a scan that only moves up, so a row is
 * taken once; whatever is neither in flight nor behind a scan is in front of one.
 */

import type { ReceiptResult } from '../devices/credential/receipt.ts';
import { openReceipt } from '../devices/credential/receipt-wire.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { fingerprintOfDid } from '../devices/envelope.ts';
import { limits } from '../devices/limits.ts';
import type { Clock, Log } from '../devices/runtime.ts';
import type { Enrolments } from './enrolments.ts';
import { createHolds } from './holds.ts';
import type { Outbox, OutboxRow, Settlement } from './outbox.ts';

export interface ForwardOptions {
  readonly outbox: Outbox;
  readonly enrolments: Enrolments;
  /** DIDs of this gateway and of the ingester whose receipts count. */
  readonly gateway: string;
  readonly ingester: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Readings that left the outbox. */
  readonly onSettled: (settled: { accepted: number; refused: number }) => void;
  /** The outbox can be read or written no more. */
  readonly onFailure: (error: unknown) => void;
}

export interface Forwarder {
  /** The uplink came up, with a way to send; or went down. */
  uplink(send: ((token: Uint8Array) => Promise<void>) | undefined): void;
  receipt(bytes: Uint8Array): void;
  /** There are new rows. */
  committed(): void;
  enrolmentsChanged(): void;
  /** DIDs of the devices whose batches the ingester holds. */
  held(): readonly string[];
  stop(): Promise<void>;
}

/** Something that was sent and has no receipt. */
interface Sent {
  readonly token: Uint8Array;
  /** Absent for an enrolment. */
  readonly row?: OutboxRow;
  dueMs: number;
  waitMs: number;
}

/** A part of the outbox that is gone through once, upwards. */
interface Scan {
  at: number;
  /** Absent for the live lane, which has no end. */
  readonly upTo?: number;
  readonly device?: string;
}

export function createForwarder(options: ForwardOptions): Forwarder {
  const { clock, enrolments, log, outbox } = options;
  const fingerprint = fingerprintOfDid(options.gateway);
  const holds = createHolds(clock);
  /** By digest. */
  const inFlight = new Map<string, Sent>();
  /** Enrolments of this session that the ingester has not said anything of. */
  const unanswered = new Set<string>();
  const said = new Set<string>();
  let scans: Scan[] = [];
  let send: ((token: Uint8Array) => Promise<void>) | undefined;
  /** Batches wait until then for the enrolments' receipts. */
  let batchesFromMs = 0;
  let session = 0;
  let isPumping = false;
  let again = false;
  let isStopped = false;
  let pumped: Promise<void> = Promise.resolve();
  let cancelTick = clock.after(limits.forwardTickMs, tick);

  function tick(): void {
    cancelTick = clock.after(limits.forwardTickMs, tick);
    resendDue();
    pump();
  }

  function transmit(token: Uint8Array): void {
    // A send that fails needs no answer here: without a receipt the batch is sent again.
    send?.(token).catch((error: unknown) => log.debug('send failed', { error: String(error) }));
  }

  function put(digest: string, token: Uint8Array, row?: OutboxRow): void {
    const waitMs = limits.receiptTimeoutMs;
    const dueMs = clock.monotonicMs() + waitMs;
    inFlight.set(digest, { token, dueMs, waitMs, ...(row && { row }) });
    transmit(token);
  }

  function resendDue(): void {
    const nowMs = clock.monotonicMs();
    for (const sent of send ? inFlight.values() : []) {
      if (sent.dueMs > nowMs) continue;
      sent.waitMs = Math.min(2 * sent.waitMs, limits.receiptTimeoutMsMax);
      sent.dueMs = nowMs + sent.waitMs;
      transmit(sent.token);
    }
  }

  function pump(): void {
    again = true;
    if (isPumping || isStopped) return;
    isPumping = true;
    pumped = (async () => {
      while (again && !isStopped) {
        again = false;
        await fill();
      }
    })()
      .catch(options.onFailure)
      .finally(() => {
        isPumping = false;
      });
  }

  async function fill(): Promise<void> {
    const mine = session;
    for (;;) {
      const room = limits.forwardWindow - rowsInFlight();
      if (!send || room <= 0 || clock.monotonicMs() < batchesFromMs) return;
      const rows = await next(room);
      if (mine !== session) return;
      for (const row of rows) put(row.digest, row.token, row);
      if (rows.length < room) return;
    }
  }

  /** Up to `room` rows: one of each held device that is due, then live, released, backlog. */
  async function next(room: number): Promise<OutboxRow[]> {
    const found: OutboxRow[] = [];
    for (const device of holds.due()) {
      const [first] = await outbox.peek({ after: 0, device, count: 1 });
      if (!first) holds.release(device);
      else if (!inFlight.has(first.digest)) found.push(first);
    }
    for (const scan of [...scans]) {
      while (found.length < room) {
        const count = room - found.length;
        const { at: after, device, upTo } = scan;
        const rows = await outbox.peek({
          after,
          count,
          ...(upTo !== undefined && { upTo }),
          ...(device === undefined ? { except: holds.devices() } : { device }),
        });
        for (const row of rows) {
          scan.at = row.id;
          if (!inFlight.has(row.digest)) found.push(row);
        }
        if (rows.length < count) {
          if (upTo !== undefined) scans = scans.filter((other) => other !== scan);
          break;
        }
      }
    }
    return found;
  }

  function rowsInFlight(): number {
    let rows = 0;
    for (const sent of inFlight.values()) if (sent.row) rows += 1;
    return rows;
  }

  async function connect(): Promise<void> {
    const mine = session;
    const { lastId } = await outbox.stats();
    if (mine !== session) return;
    scans = [{ at: lastId }, { at: 0, upTo: lastId }];
    sendEnrolments();
    pump();
  }

  function sendEnrolments(): void {
    const tokens = enrolments.tokens();
    if (tokens.size > 0) batchesFromMs = clock.monotonicMs() + limits.enrolmentWaitMs;
    for (const [digest, token] of tokens) {
      unanswered.add(digest);
      put(digest, token);
    }
  }

  function onResult(result: ReceiptResult): Settlement | undefined {
    const { code, digest, outcome } = result;
    const sent = inFlight.get(digest);
    if (sent && !sent.row) {
      onEnrolmentResult(sent, result);
      return undefined;
    }
    if (outcome !== 'held') return { digest, outcome, ...(code !== undefined && { code }) };
    if (!sent?.row) return undefined;
    inFlight.delete(digest);
    const { device } = sent.row;
    if (holds.hold(device)) log.warn('the ingester holds batches', { device, code });
    return undefined;
  }

  function onEnrolmentResult(sent: Sent, { code, digest, outcome }: ReceiptResult): void {
    if (outcome === 'held') {
      sent.waitMs = Math.min(2 * sent.waitMs, limits.receiptTimeoutMsMax);
      sent.dueMs = clock.monotonicMs() + sent.waitMs;
      say(`enrolment held ${code}`, 'the ingester holds an enrolment', { digest, code });
    } else {
      inFlight.delete(digest);
      if (outcome === 'refused') {
        say(`enrolment ${digest}`, 'the ingester refused an enrolment', { digest, code });
      } else holds.retryNow();
    }
    unanswered.delete(digest);
    if (unanswered.size === 0) batchesFromMs = 0;
  }

  /** Says a thing once, and forgets what was said before there is too much of it. */
  function say(key: string, message: string, fields: Record<string, string | undefined>): void {
    if (said.has(key)) return;
    if (said.size >= SAID_MAX) said.clear();
    said.add(key);
    log.warn(message, fields);
  }

  async function settle(settlements: readonly Settlement[]): Promise<void> {
    options.onSettled(await outbox.settle(settlements));
    for (const { code = 'unknown', digest, outcome } of settlements) {
      const device = inFlight.get(digest)?.row?.device;
      inFlight.delete(digest);
      if (outcome === 'refused') {
        const fields = { device, code, digest };
        say(`${device} ${code}`, 'the ingester refused a batch for good', fields);
      }
      if (device === undefined || !holds.release(device)) continue;
      log.info('the ingester takes batches again', { device });
      // Its rows were passed over: they get a scan of their own, between live lane and backlog.
      const { lastId } = await outbox.stats();
      scans.splice(1, 0, { at: 0, upTo: lastId, device });
    }
    pump();
  }

  return {
    uplink(newSend) {
      session += 1;
      send = newSend;
      inFlight.clear();
      unanswered.clear();
      holds.retryNow();
      scans = [];
      if (newSend) connect().catch(options.onFailure);
    },
    receipt(bytes) {
      const receipt = openReceipt(bytes, options.ingester);
      if (isRefusal(receipt)) {
        say(`receipt ${receipt.code}`, 'a receipt is not valid', { reason: receipt.reason });
        return;
      }
      if (receipt.gateway !== fingerprint) {
        say('receipt gateway', 'a receipt is for another gateway', { gateway: receipt.gateway });
        return;
      }
      const settlements = receipt.results.map(onResult).filter((s) => s !== undefined);
      if (settlements.length > 0) settle(settlements).catch(options.onFailure);
      else pump();
    },
    committed: pump,
    enrolmentsChanged() {
      if (!send) return;
      sendEnrolments();
      holds.retryNow();
      pump();
    },
    held: () => holds.devices(),
    async stop() {
      isStopped = true;
      cancelTick();
      session += 1;
      send = undefined;
      await pumped;
    },
  };
}

/** Kinds of trouble that are remembered as said. */
const SAID_MAX = 1_000;
