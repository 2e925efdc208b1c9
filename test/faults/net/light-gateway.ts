/**
 * A gateway without a device, small enough that hundreds run in one process. Its way to the
 * ingester is the real one (gateway/sinks/mqtt.ts, with its back-off and jitter); its batches are
 * signed for the device that it claims to have, and kept until a receipt of the ingester, verified,
 * says that they are safe.
 */
import { isNoticeMessage } from '../../../devices/credential/checkpoint.ts';
import { openReceipt } from '../../../devices/credential/receipt-wire.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { credentialDigest, fingerprintOfDid } from '../../../devices/envelope.ts';
import type { Clock, Random } from '../../../devices/runtime.ts';
import { silentLog, systemClock } from '../../../devices/runtime.ts';
import type { OpenSink } from '../../../gateway/sink.ts';
import { mqttSink } from '../../../gateway/sinks/mqtt.ts';
import { memorySigner } from '../../support/identity.ts';
import { BatchMaker, readingGroups } from '../../support/signed-batch.ts';

/** What is not receipted is sent again after this long, milliseconds. */
const AGAIN_MS = 5_000;
const LOOK_MS = 250;

/** When a gateway lost its uplink, tried again, and had it again; monotonic milliseconds. */
export interface Outage {
  readonly lostMs: number;
  /** What the sink drew to wait before each attempt, and when that time was over. */
  readonly waitsMs: number[];
  readonly triedMs: number[];
  backMs?: number;
}

interface Kept {
  readonly token: Uint8Array;
  readonly madeMs: number;
  sentMs: number;
}

export class LightGateway {
  readonly did = memorySigner().did;
  readonly device: BatchMaker;
  readonly outages: Outage[] = [];
  /** Digests that the ingester called accepted; how long each took, milliseconds. */
  readonly accepted = new Map<string, number>();
  /** What the ingester refused, and receipts that are none, in words. */
  readonly troubles: string[] = [];
  readonly #kept = new Map<string, Kept>();
  readonly #answers = new Map<string, (ms: number) => void>();
  readonly #random: Random;
  #newest: Promise<unknown> = Promise.resolve();
  #ingester = '';
  #sink: OpenSink | undefined;
  #stop = new AbortController();
  #isUp = false;
  #cancel: () => void = () => undefined;

  constructor(random: Random) {
    this.#random = random;
    this.device = new BatchMaker(memorySigner(), this.did);
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Batches without a receipt. */
  get waiting(): number {
    return this.#kept.size;
  }

  /** When the oldest of them was made, monotonic milliseconds; without end where there is none. */
  get oldestMs(): number {
    const [oldest] = this.#kept.values();
    return oldest?.madeMs ?? Number.POSITIVE_INFINITY;
  }

  /** Those batches, as sent. */
  tokens(): Uint8Array[] {
    return [...this.#kept.values()].map(({ token }) => token);
  }

  async open(url: string, ingester: string): Promise<void> {
    this.#ingester = ingester;
    const context = {
      clock: this.#clock(),
      random: this.#random,
      log: silentLog,
      gateway: this.did,
      resolvePath: (path: string) => path,
    };
    const onReceipt = (bytes: Uint8Array) => this.#receipt(bytes);
    const onState = (isUp: boolean) => (isUp ? this.#up() : this.#down());
    this.#sink = await mqttSink.open({ url }, { onReceipt, onState }, context);
    this.#look();
  }

  /** Signs a batch and sends it; resolves with how long its receipt took, milliseconds. */
  async make(readings?: number): Promise<number> {
    return this.keep(await this.sign(readings));
  }

  /** The next batch of its device; each names the one before it. */
  sign(readings = 4): Promise<Uint8Array> {
    const nowMs = Date.now();
    const groups = readingGroups({ fromMs: nowMs - 1_000, times: 1, points: readings });
    const token = this.#newest.then(() => this.device.next(nowMs, { groups }));
    this.#newest = token;
    return token;
  }

  /** Sends a credential, also of somebody else, until a receipt says what became of it. */
  keep(token: Uint8Array): Promise<number> {
    const digest = credentialDigest(token);
    const kept = { token, madeMs: performance.now(), sentMs: 0 };
    this.#kept.set(digest, kept);
    this.#send(kept);
    return new Promise((resolve) => this.#answers.set(digest, resolve));
  }

  async close(): Promise<void> {
    this.#cancel();
    this.#stop.abort();
    await this.#sink?.close();
  }

  /** The machine's clock, which writes down what the sink waits for: its next attempt, no more. */
  #clock(): Clock {
    return {
      ...systemClock,
      after: (delayMs, action) => {
        const outage = this.outages.at(-1);
        outage?.waitsMs.push(delayMs);
        return systemClock.after(delayMs, () => {
          outage?.triedMs.push(performance.now());
          action();
        });
      },
    };
  }

  #up(): void {
    this.#isUp = true;
    const outage = this.outages.at(-1);
    if (outage) outage.backMs ??= performance.now();
    for (const kept of this.#kept.values()) this.#send(kept);
  }

  #down(): void {
    this.#isUp = false;
    this.outages.push({ lostMs: performance.now(), waitsMs: [], triedMs: [] });
  }

  #look(): void {
    const dueMs = performance.now() - AGAIN_MS;
    for (const kept of this.#kept.values()) if (kept.sentMs < dueMs) this.#send(kept);
    this.#cancel = systemClock.after(LOOK_MS, () => this.#look());
  }

  #send(kept: Kept): void {
    if (!this.#isUp || !this.#sink) return;
    kept.sentMs = performance.now();
    // A connection that breaks meanwhile shows in `onState`, and then all is sent again.
    this.#sink.send(kept.token, this.#stop.signal).catch(() => undefined);
  }

  #receipt(bytes: Uint8Array): void {
    // It is no witness.
    if (isNoticeMessage(bytes)) return;
    const receipt = openReceipt(bytes, this.#ingester);
    if (isRefusal(receipt) || receipt.gateway !== fingerprintOfDid(this.did)) {
      this.troubles.push(isRefusal(receipt) ? receipt.reason : 'a receipt is for another gateway');
      return;
    }
    for (const { code, digest, outcome } of receipt.results) {
      const kept = this.#kept.get(digest);
      if (!kept || outcome === 'held') continue;
      const ms = performance.now() - kept.madeMs;
      this.#kept.delete(digest);
      if (outcome === 'accepted') this.accepted.set(digest, ms);
      else this.troubles.push(`${digest} was refused: ${code}`);
      this.#answers.get(digest)?.(ms);
      this.#answers.delete(digest);
    }
  }
}
