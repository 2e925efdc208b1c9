/**
 * An outbox over a real file under everything that can befall it at random: full, restarted, its
 * receipts late; and the account of what became of each reading, drawn from signed tokens alone.
 */

import type { Batch } from '../../devices/credential/batch.ts';
import { readBatch } from '../../devices/credential/batch-wire.ts';
import { openToken, verifyToken } from '../../devices/credential/jws.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { publicKeyOfDid } from '../../devices/identity/did-key.ts';
import type { Signer } from '../../devices/identity/signer.ts';
import { openFixedFile } from '../../devices/io/fixed-file.ts';
import { type Database, openDatabase } from '../../devices/io/sqlite.ts';
import { limits } from '../../devices/limits.ts';
import type { LossCause } from '../../devices/reading.ts';
import { silentLog, systemRandom } from '../../devices/runtime.ts';
import type { Draft, WhenFull } from '../../gateway/outbox.ts';
import { OutboxStore } from '../../gateway/outbox-store.ts';
import { outboxSchema } from '../../gateway/outbox-tables.ts';
import { memorySigner } from './identity.ts';
import { readingGroups, someDigest, someProfile } from './signed-batch.ts';

const START = 1_767_225_600_000;

/** Anything that gives fractions from 0 up to 1, such as a seeded chance. */
export interface Dice {
  fraction(): number;
}

export class OutboxTrial {
  readonly devices: readonly Signer[];
  /** Batches whose receipts have come, by place, with what came with each. */
  readonly delivered = new Map<string, Batch>();
  /** Readings that were handed in. */
  handed = 0;
  db!: Database;
  store!: OutboxStore;
  readonly #options: {
    readonly file: string;
    readonly whenFull: WhenFull;
    readonly bytesMax: number;
  };
  readonly #signed = new Map<string, string>();
  /** Sentences about what must not be. */
  readonly notes: string[] = [];
  #nowMs = START;

  constructor(options: { file: string; whenFull: WhenFull; bytesMax: number; devices?: number }) {
    this.#options = options;
    const keys = Array.from({ length: options.devices ?? 2 }, () => memorySigner());
    this.devices = keys.map((key) => ({
      ...key,
      sign: (data) => {
        this.#note(data);
        return key.sign(data);
      },
    }));
    this.open();
  }

  /** Opens the file as a new process does. */
  open(): void {
    const { bytesMax, file, whenFull } = this.#options;
    this.db = openDatabase(file, { schema: outboxSchema });
    this.store = new OutboxStore({
      db: this.db,
      signers: new Map(this.devices.map((signer) => [signer.did, signer])),
      ...{ bytesMax, whenFull, random: systemRandom, log: silentLog },
      lossesFile: openFixedFile(`${file}.losses`, limits.outboxLossesFileBytes),
    });
  }

  /** Power is gone: what is not committed never was. */
  crash(): void {
    if (this.db.inTransaction) this.db.exec('ROLLBACK');
    this.db.close();
    this.open();
  }

  draft(dice: Dice): Draft {
    this.#nowMs += 1_000;
    const device = this.devices[Math.floor(dice.fraction() * this.devices.length)];
    const points = Math.floor(dice.fraction() * 20);
    const isUrgent = dice.fraction() < 0.1 && points > 0;
    this.handed += points;
    return {
      device: device?.did ?? '',
      gateway: device?.did ?? '',
      profile: someProfile,
      configuration: someDigest,
      readPoint: 'did:web:northline.example/facility/neche',
      clock: { source: 'unknown', monotonicMs: 1, steps: 0 },
      closedMs: this.#nowMs,
      groups: points === 0 ? [] : readingGroups({ fromMs: this.#nowMs, times: 1, points }),
      losses: [],
      ...(isUrgent && { priority: 'urgent' as const }),
    };
  }

  /** Receipts for the rows that the ingester has seen, with what they said. */
  deliver(count: number, after = 0): number {
    const rows = this.store.peek({ after, count });
    for (const { token } of rows) {
      const opened = openToken(token, limits.batchBytesMax);
      const batch = isRefusal(opened) ? opened : readBatch(opened.payload);
      if (isRefusal(opened) || isRefusal(batch)) {
        this.notes.push('a row is sent that is no batch');
        continue;
      }
      if (!verifyToken(opened, publicKeyOfDid(batch.device))) {
        this.notes.push('a row is sent that its device did not sign');
      }
      this.delivered.set(placeOf(batch.device, batch), batch);
    }
    // A look is no receipt: they are still there, also for the next process.
    const again = this.store.peek({ after, count }).map(({ digest }) => digest);
    if (again.join() !== rows.map(({ digest }) => digest).join()) {
      this.notes.push('rows are gone before their receipt came');
    }
    this.store.settle(again.map((digest) => ({ digest, outcome: 'accepted' })));
    return rows.length;
  }

  /** Lets everything out and draws the account. */
  async close(): Promise<readonly string[]> {
    while (this.deliver(64) > 0);
    // The last losses are said by one more batch of each device.
    for (let turn = 0; turn < 40; turn += 1) {
      const drafts = this.devices.map(({ did }) => ({
        ...this.draft({ fraction: () => 0 }),
        device: did,
      }));
      await this.store.append(drafts);
      if (this.deliver(64) === 0) break;
      if ((this.db.prepare('SELECT count(*) AS n FROM gone').get() as { n: number }).n === 0) break;
    }
    this.db.close();
    this.#judge();
    return this.notes;
  }

  /** Sums of the losses that were delivered. */
  lost(...causes: readonly LossCause[]): number {
    let sum = 0;
    for (const { losses } of this.delivered.values()) {
      for (const { cause, count } of losses) if (causes.includes(cause)) sum += count;
    }
    return sum;
  }

  #judge(): void {
    let [delivered, aggregated] = [0, 0];
    const told = new Set<string>();
    for (const batch of this.delivered.values()) {
      for (const { readings } of batch.groups) delivered += readings.length;
      for (const { aggregates } of batch.aggregates ?? []) {
        for (const { count } of aggregates) aggregated += count;
      }
      for (const { batches } of batch.losses) {
        if (!batches) continue;
        for (let at = batches.first; at <= batches.last; at += 1) {
          const epoch = { counter: batches.counter, nonce: batches.nonce };
          told.add(placeOf(batch.device, { epoch, sequence: at }));
        }
      }
    }
    const lost = this.lost('storage-full', 'given-way', 'damaged');
    if (delivered + aggregated + lost !== this.handed) {
      const sums = `${delivered} came, ${aggregated} as aggregates, ${lost} are told as lost`;
      this.notes.push(`of ${this.handed} readings that were handed in, ${sums}`);
    }
    if (aggregated > this.lost('thinned')) {
      this.notes.push(
        `aggregates stand for ${aggregated} readings, ${this.lost('thinned')} are told`,
      );
    }
    for (const place of this.#places()) {
      if (!this.delivered.has(place) && !told.has(place))
        this.notes.push(`${place} is an open gap`);
    }
  }

  /** Every place below the highest that came or is told, of each epoch: none may be open. */
  #places(): string[] {
    const highest = new Map<string, number>();
    const raise = (place: string) => {
      const [epoch = '', sequence = '0'] = place.split(' #');
      highest.set(epoch, Math.max(highest.get(epoch) ?? 0, Number(sequence)));
    };
    for (const [place, batch] of this.delivered) {
      raise(place);
      const { after } = batch.epoch;
      if (after) raise(placeOf(batch.device, { epoch: after, sequence: after.sequence }));
    }
    return [...highest].flatMap(([epoch, last]) =>
      Array.from({ length: last }, (_, index) => `${epoch} #${index + 1}`),
    );
  }

  /** No place is ever signed twice with other content. */
  #note(data: Uint8Array): void {
    const text = Buffer.from(data).toString('latin1');
    const payload = JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString());
    const batch = readBatch(payload);
    if (isRefusal(batch)) {
      this.notes.push(`what is signed is no batch: ${batch.reason}`);
      return;
    }
    const place = placeOf(batch.device, batch);
    const before = this.#signed.get(place);
    if (before !== undefined && before !== text) this.notes.push(`${place} is signed twice`);
    this.#signed.set(place, text);
  }
}

function placeOf(
  device: string,
  { epoch, sequence }: { epoch: { counter: number; nonce: string }; sequence: number },
): string {
  return `${device.slice(-6)} ${epoch.counter} ${epoch.nonce} #${sequence}`;
}
