/**
 * Brings committed batches to the ingester and waits for its signed receipt, the only thing that
 * deletes one: urgent lane before live lane before backlog lane, a bounded window of which each has
 * its share, and back-off for what is not answered or held. Each row of the outbox is in flight, in
 * front of a lane's scan, or of a held device; whatever breaks, the next uplink begins at the first
 * row again.
 */
import type { ReceiptResult } from '../devices/credential/receipt.ts';
import { openReceipt } from '../devices/credential/receipt-wire.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { packToken } from '../devices/credential/wire-pack.ts';
import { fingerprintOfDid } from '../devices/envelope.ts';
import { limits } from '../devices/limits.ts';
import { digestMultibase } from '../devices/profile.ts';
import type { Clock, Log } from '../devices/runtime.ts';
import { type Credit, createCredit } from './credit.ts';
import type { Enrolments } from './enrolments.ts';
import { createHolds, type Holds } from './holds.ts';
import { createInFlight, type InFlight, type Sent } from './in-flight.ts';
import { createLanes, type Lane, type Lanes, type Room, type Taken } from './lanes.ts';
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

/** Hands one credential to the transport. */
export type Send = (token: Uint8Array) => Promise<void>;

/** Kinds of trouble that are remembered as said. */
const SAID_MAX = 1_000;

/** What a settled batch came to that did not take effect; the codes are those of docs/wire.md. */
function sentenceOf(code: string): string {
  switch (code) {
    case 'VC_REVOKED':
    case 'IN_QUARANTINE':
      return 'the ingester keeps a batch in doubt, without effect until an officer accepts it';
    case 'IN_CLONED':
      return 'the ingester keeps a batch in doubt: another gateway signs with the same key';
    case 'IN_FORK':
      return 'the ingester keeps a batch as evidence, without effect: another claims its place';
    default:
      return 'the ingester refused a batch for good';
  }
}

export class Forwarder {
  readonly #options: ForwardOptions;
  readonly #fingerprint: string;
  readonly #holds: Holds;
  readonly #inFlight: InFlight;
  readonly #lanes: Lanes;
  readonly #credit: Credit;
  /** The newest row at each tick since live batches may be waiting, oldest first. */
  #behind: { readonly atMs: number; readonly lastId: number }[] = [];
  readonly #said = new Set<string>();
  /** Enrolments of this uplink that the ingester has not said anything of; batches wait, */
  readonly #unanswered = new Set<string>();
  /** but at most until then. */
  #batchesFromMs = 0;
  #send: Send | undefined;
  /** Whether packing pays on this uplink, and whether the ingester said that it unpacks. */
  #packs = false;
  #isUnpacked = false;
  /** Counts uplinks, so that what began under one does not go on under the next. */
  #session = 0;
  #again = false;
  #pumping: Promise<void> | undefined;
  #isStopped = false;
  #cancelTick: () => void;

  constructor(options: ForwardOptions) {
    this.#options = options;
    this.#fingerprint = fingerprintOfDid(options.gateway);
    this.#holds = createHolds(options.clock);
    this.#inFlight = createInFlight(options.clock);
    this.#lanes = createLanes(options.outbox);
    this.#credit = createCredit(options.clock);
    this.#cancelTick = options.clock.after(limits.forwardTickMs, () => this.#tick());
  }

  /**
   * The uplink came up, with a way to send; or it went down. `packs`: bytes cost something on it,
   * so that batches go packed from the first receipt on that says that the ingester unpacks them.
   */
  uplink(send: Send | undefined, { packs = false }: { readonly packs?: boolean } = {}): void {
    this.#session += 1;
    this.#send = send;
    this.#packs = packs;
    this.#isUnpacked = false;
    this.#inFlight.clear();
    this.#unanswered.clear();
    this.#lanes.clear();
    this.#behind = [];
    this.#holds.retryNow();
    if (send) this.#restart().catch(this.#options.onFailure);
  }

  /** A receipt arrived; believed only if the pinned ingester signed it for this gateway. */
  receipt(bytes: Uint8Array): void {
    const receipt = openReceipt(bytes, this.#options.ingester);
    if (isRefusal(receipt)) {
      const { code, reason } = receipt;
      const hint = 'uplink.ingester is the key that the ingester prints when it starts';
      this.#say(`receipt ${code}`, 'a receipt is not valid', { code, reason, hint });
      return;
    }
    const { gateway, results, takesPacked = false } = receipt;
    if (gateway !== this.#fingerprint) {
      this.#say('receipt gateway', 'a receipt is for another gateway', { gateway });
      return;
    }
    this.#isUnpacked = takesPacked;
    const settlements = results.flatMap((result) => this.#judge(result) ?? []);
    if (settlements.length === 0) this.#pump();
    else this.#settle(settlements).catch(this.#options.onFailure);
  }

  /** There are new rows in the outbox; perhaps urgent ones. */
  committed(isUrgent: boolean): void {
    if (isUrgent) this.#lanes.urgentCommitted();
    this.#pump();
  }

  /** An enrolment is new or has changed: the ingester hears of it, and held devices are tried. */
  enrolmentsChanged(): void {
    if (!this.#send) return;
    this.#sendEnrolments();
    this.#holds.retryNow();
    this.#pump();
  }

  /** DIDs of the devices whose batches the ingester holds. */
  held(): readonly string[] {
    return this.#holds.devices();
  }

  /** Sends nothing more; resolves when the outbox is not looked at any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTick();
    this.#session += 1;
    this.#send = undefined;
    await this.#pumping;
  }

  #tick(): void {
    this.#cancelTick = this.#options.clock.after(limits.forwardTickMs, () => this.#tick());
    if (!this.#send) return;
    for (const { token } of this.#inFlight.due()) this.#transmit(token);
    this.#demoteLate().catch(this.#options.onFailure);
    this.#pump();
  }

  /** Live batches that cannot go are fresh no more: those that come after them overtake them. */
  async #demoteLate(): Promise<void> {
    if (!this.#lanes.isLiveBehind()) {
      this.#behind = [];
      return;
    }
    const session = this.#session;
    const atMs = this.#options.clock.monotonicMs();
    const { lastId } = await this.#options.outbox.stats();
    if (session !== this.#session) return;
    this.#behind.push({ atMs, lastId });
    const isLate = (mark: { atMs: number }) => atMs - mark.atMs >= limits.forwardBehindMs;
    const late = this.#behind.findLast(isLate);
    if (late) this.#lanes.demoteLive(late.lastId);
    this.#behind = this.#behind.filter((mark) => !isLate(mark));
  }

  async #restart(): Promise<void> {
    const session = this.#session;
    const { lastId } = await this.#options.outbox.stats();
    if (session !== this.#session) return;
    this.#lanes.restart(lastId);
    this.#sendEnrolments();
    this.#pump();
  }

  #sendEnrolments(): void {
    for (const [digest, token] of this.#options.enrolments.tokens()) {
      this.#batchesFromMs = this.#options.clock.monotonicMs() + limits.enrolmentWaitMs;
      this.#unanswered.add(digest);
      this.#inFlight.put({ digest, token, bytes: token.length });
      this.#transmit(token);
    }
  }

  #transmit(token: Uint8Array): void {
    // A send that fails needs no answer here: without a receipt the credential is sent again.
    this.#send?.(token).catch((error: unknown) =>
      this.#options.log.debug('a send failed', { error: String(error) }),
    );
  }

  /** Fills the window; called again while it runs, it looks once more when it is done. */
  #pump(): void {
    this.#again = true;
    if (this.#pumping || this.#isStopped) return;
    this.#pumping = this.#fillWhileAsked()
      .catch(this.#options.onFailure)
      .finally(() => {
        this.#pumping = undefined;
        // Somebody may have asked just when it was done.
        if (this.#again) this.#pump();
      });
  }

  async #fillWhileAsked(): Promise<void> {
    while (this.#again && !this.#isStopped) {
      this.#again = false;
      await this.#fill();
    }
  }

  async #fill(): Promise<void> {
    const session = this.#session;
    while (this.#send && this.#options.clock.monotonicMs() >= this.#batchesFromMs) {
      const probes = await this.#probes();
      const rooms = { urgent: this.#room('urgent'), live: this.#room('live') };
      const { isAll, taken } = await this.#lanes.next(
        { ...rooms, backlog: this.#room('backlog') },
        {
          isTaken: (digest) => this.#inFlight.has(digest),
          held: () => this.#holds.held(),
        },
      );
      if (session !== this.#session) return;
      for (const { lane, row } of [...probes, ...taken]) {
        const { digest, token } = row;
        const sent = this.#packed(row) ?? token;
        this.#inFlight.put({ digest, token, bytes: sent.length, row, lane });
        this.#transmit(sent);
      }
      if (isAll || taken.length === 0) return;
    }
  }

  /**
   * The packed form of a batch, where it is wanted. What has to be sent again goes as it is, so
   * that nothing ever depends on what the other end says of itself. Papers are looked at before
   * anything is unpacked, so they are never packed.
   */
  #packed({ paper, token }: OutboxRow): Uint8Array | undefined {
    if (!this.#packs || !this.#isUnpacked || paper !== undefined) return undefined;
    return packToken(token);
  }

  /**
   * What may be sent of a lane now. Backlog keeps to its share of the window, so that what is fresh
   * need not wait for its receipts, and live batches keep to theirs for the sake of urgent ones.
   */
  #room(lane: Lane): Room {
    const { forwardBacklogWindow, forwardLiveWindow, forwardWindow, forwardWindowBytes } = limits;
    const all = this.#inFlight.load();
    const own = this.#inFlight.load(lane);
    const credit = this.#credit.bytes();
    const rows = (lane === 'urgent' ? forwardWindow : forwardLiveWindow) - all.rows;
    const bytes = lane === 'urgent' ? forwardWindowBytes : 2 * credit;
    const room =
      lane === 'backlog'
        ? {
            rows: Math.min(rows, forwardBacklogWindow - own.rows),
            bytes: Math.min(bytes - all.bytes, credit - own.bytes),
          }
        : { rows, bytes: bytes - all.bytes };
    return own.rows > 0 ? room : { ...room, bytes: Math.max(1, room.bytes) };
  }

  /** One row of each held device that is due, unless the time has come for some of them. */
  async #probes(): Promise<Taken[]> {
    const probes: Taken[] = [];
    for (const { isMoving, ...held } of this.#holds.due(this.#room('live').rows)) {
      const [row] = await this.#options.outbox.peek({ after: 0, count: 1, ...held });
      if (!row) this.#holds.release(held.device);
      if (!row && isMoving) this.#sayTaken(held.device);
      if (isMoving) await this.#lookAgain(held.device);
      else if (row && !this.#inFlight.has(row.digest)) probes.push({ row, lane: 'live' });
    }
    return probes;
  }

  #sayTaken(device: string): void {
    this.#options.log.info('the ingester takes batches again', { device });
  }

  /** Goes once more through the rows of a device of which some were passed over. */
  async #lookAgain(device: string): Promise<void> {
    const session = this.#session;
    const { lastId } = await this.#options.outbox.stats();
    if (session === this.#session) this.#lanes.addDevice(device, lastId);
  }

  /** What a result settles for good, if anything. */
  #judge(result: ReceiptResult): Settlement | undefined {
    const { bytes, code, digest, outcome } = result;
    const sent = this.#inFlight.get(digest);
    // Somebody on the way changed the signature: it is sent again, as if nothing had come.
    if (bytes !== undefined && (!sent || digestMultibase(sent.token) !== bytes)) return undefined;
    if (sent && !sent.row) {
      this.#judgeEnrolment(sent, result);
      return undefined;
    }
    if (outcome !== 'held') return { digest, outcome, ...(code !== undefined && { code }) };
    if (!sent?.row) return undefined;
    this.#inFlight.remove(digest);
    const { closedMs, device } = sent.row;
    // A clock that ran ahead and was set right must not keep what comes after it waiting.
    if (this.#holds.hold(device, code === 'IN_FUTURE' ? closedMs : undefined)) {
      this.#options.log.warn('the ingester holds batches', { device, code });
    }
    return undefined;
  }

  #judgeEnrolment(sent: Sent, { code, outcome }: ReceiptResult): void {
    const { digest } = sent;
    this.#unanswered.delete(digest);
    if (this.#unanswered.size === 0) this.#batchesFromMs = 0;
    if (outcome === 'held') {
      this.#inFlight.postpone(sent);
      this.#say(`held ${digest}`, 'the ingester holds an enrolment', { digest, code });
      return;
    }
    this.#inFlight.remove(digest);
    if (outcome === 'accepted') this.#holds.retryNow();
    else this.#say(`refused ${digest}`, 'the ingester refused an enrolment', { digest, code });
  }

  async #settle(settlements: readonly Settlement[]): Promise<void> {
    const { onSettled, outbox } = this.#options;
    this.#learnSpeed(settlements);
    const settled = await outbox.settle(settlements);
    onSettled(settled);
    if (settled.undone) return this.#keepInFlight(settlements);
    for (const { code = 'unknown', digest, outcome } of settlements) {
      const row = this.#inFlight.get(digest)?.row;
      this.#inFlight.remove(digest);
      const device = row?.device;
      if (outcome === 'refused') {
        this.#say(`${device} ${code}`, sentenceOf(code), { device, code, digest });
      }
      const change = row && this.#holds.taken(row.device, row.closedMs);
      if (!change) continue;
      if (change === 'released') this.#sayTaken(row.device);
      await this.#lookAgain(row.device);
    }
    this.#pump();
  }

  /** The disk had no room to let them go: sent again in their time, they get the same receipts. */
  #keepInFlight(settlements: readonly Settlement[]): void {
    for (const { digest } of settlements) this.#inFlight.arrived(digest);
    this.#pump();
  }

  /** How long receipts take says how fast the line is. */
  #learnSpeed(settlements: readonly Settlement[]): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const { digest } of settlements) {
      const sent = this.#inFlight.get(digest);
      if (!sent || sent.isRepeated) continue;
      this.#credit.answered(sent.bytes, nowMs - sent.sentMs);
    }
  }

  /** Says a thing once; what was said is forgotten before there is too much of it. */
  #say(key: string, message: string, fields: Record<string, string | undefined>): void {
    if (this.#said.has(key)) return;
    if (this.#said.size >= SAID_MAX) this.#said.clear();
    this.#said.add(key);
    this.#options.log.warn(message, fields);
  }
}
