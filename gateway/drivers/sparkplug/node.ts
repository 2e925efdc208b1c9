/**
 * One edge node as a host application knows it: whether it was born, in which session (bdSeq), what
 * its births promised, and in which order its messages were sent. Whenever that is not certain, its
 * values are stale, nothing is taken from it, and it is asked to be born again: a value never goes
 * under a name that another birth gave it.
 */
import type { LossCause } from '../../../devices/reading.ts';
import type { Clock } from '../../../devices/runtime.ts';
import { type Birth, birthOf, type NamedMetric, nameMetric } from './birth.ts';
import { MessageOrder, SEQUENCES } from './order.ts';
import { decodePayload, type Payload } from './payload.ts';
import { createRebirth } from './rebirth.ts';
import type { NodeTopic } from './topic.ts';

/** Metrics of one message about one edge node's own, or about one device's. */
export interface Said {
  readonly metrics: readonly NamedMetric[];
  /** The payload's own time, milliseconds since 1970. */
  readonly timestamp?: bigint;
  /** Wall time of the gateway when the message came. */
  readonly gatewayTimeMs: number;
}

/** The present values are no longer known. */
export interface Lapse {
  readonly cause: LossCause;
  /** For an operator; stable while the reason is. */
  readonly reason: string;
  /** From when on, by the gateway's clock. */
  readonly fromMs: number;
  /** When it died, as the edge node states it (a device's death). */
  readonly sourceTimeMs?: number;
}

/** Who hears an edge node (`device` absent) or a device below it. Each call ends when durable. */
export interface Audience {
  readonly device?: string;
  born(said: Said): Promise<void>;
  says(said: Said): Promise<void>;
  lapses(lapse: Lapse): Promise<void>;
  /** A birth is due: it is stale if that does not come by `limits.sparkplugBirthMs`. */
  awaits(fromMs: number): void;
}

export interface EdgeNodeOptions {
  readonly group: string;
  readonly edgeNode: string;
  readonly reorderMs: number;
  readonly clock: Clock;
  /** Publishes one rebirth request. */
  readonly requestRebirth: () => unknown;
}

interface Waiting {
  readonly topic: NodeTopic;
  readonly payload: Payload;
  readonly gatewayTimeMs: number;
  /** By the monotonic clock. */
  readonly arrivedMs: number;
}

/** A session of the edge node: from a birth to its death, or until it is no longer certain. */
interface Session {
  readonly bdSeq: bigint | undefined;
  readonly timestamp: bigint | undefined;
  /** By device, and `''` for the edge node's own. Only of those that somebody hears. */
  readonly births: Map<string, Birth>;
}

export class EdgeNode {
  readonly counts = {
    births: 0,
    deaths: 0,
    staleDeaths: 0,
    rebirthRequests: 0,
    nonsense: 0,
    unborn: 0,
    outOfOrder: 0,
    sequenceGaps: 0,
    unknownAliases: 0,
    unknownNames: 0,
    outdated: 0,
  };

  readonly group: string;
  readonly edgeNode: string;
  readonly #options: EdgeNodeOptions;
  readonly #audiences = new Set<Audience>();
  readonly #order = new MessageOrder<Waiting>();
  readonly #rebirth: ReturnType<typeof createRebirth>;
  #session: Session | undefined;
  /** The session that a death ended. */
  #dead: Session | undefined;
  /** When the last message in order came: what came after it may have been lost. */
  #heardMs: number;
  #stopWaiting: (() => void) | undefined;

  constructor(options: EdgeNodeOptions) {
    this.#options = options;
    this.group = options.group;
    this.edgeNode = options.edgeNode;
    this.#heardMs = options.clock.nowMs();
    this.#rebirth = createRebirth(options.clock, () => {
      this.counts.rebirthRequests += 1;
      options.requestRebirth();
    });
  }

  /** Whether anybody hears it. */
  get isHeard(): boolean {
    return this.#audiences.size > 0;
  }

  join(audience: Audience): void {
    this.#audiences.add(audience);
    audience.awaits(this.#options.clock.nowMs());
    // What was born before had nobody to be told to.
    if (this.#session !== undefined) this.#rebirth.want();
  }

  leave(audience: Audience): void {
    this.#audiences.delete(audience);
  }

  /** Somebody lost what it said. */
  wantRebirth(): void {
    this.#rebirth.want();
  }

  /** The host is there (again): asks for the births that it has not heard. */
  connected(): void {
    this.#rebirth.restart();
  }

  /** The host has lost its broker, no earlier than `sinceMs`: everything that it knew is stale. */
  async disconnected(reason: string, sinceMs: number): Promise<void> {
    this.#rebirth.stop();
    await this.#lapse({ cause: 'absent', reason, fromMs: Math.max(this.#heardMs, sinceMs) });
  }

  close(): void {
    this.#rebirth.stop();
    this.#stopWaiting?.();
  }

  /** Takes one message. Resolves when what it said is durable, or when it has to wait its turn. */
  async take(topic: NodeTopic, bytes: Uint8Array, gatewayTimeMs: number): Promise<void> {
    const payload = decodePayload(bytes);
    if (payload === undefined) return this.#refuse();
    const arrivedMs = this.#options.clock.monotonicMs();
    const message = { topic, payload, gatewayTimeMs, arrivedMs };
    if (topic.verb === 'NDEATH') return this.#die(message);
    const { seq } = payload;
    if (seq === undefined || seq >= SEQUENCES) return this.#refuse();
    if (topic.verb === 'NBIRTH') return this.#bear(message, Number(seq));
    if (this.#session === undefined) {
      this.counts.unborn += 1;
      return this.#rebirth.want();
    }
    if (isBefore(payload, this.#session)) {
      // Of an earlier session, in which the same aliases may have meant other metrics.
      this.counts.outdated += 1;
      return this.#rebirth.want();
    }
    if (Number(seq) !== this.#order.next) this.counts.outOfOrder += 1;
    if (!this.#order.add(Number(seq), message, bytes.length)) return this.#giveUp();
    await this.#applyReady();
  }

  /** Applies what has its turn; what is left waits for a message that is missing. */
  async #applyReady(): Promise<void> {
    const work: Promise<void>[] = [];
    while (this.#session !== undefined) {
      const message = this.#order.take();
      if (message === undefined) break;
      work.push(this.#apply(message, this.#session));
      this.#heardMs = message.gatewayTimeMs;
    }
    this.#endWait();
    const { oldest } = this.#order;
    if (oldest !== undefined) work.push(this.#wait(oldest.arrivedMs));
    await Promise.all(work);
  }

  /** Waits for what is missing before a message that came at `arrivedMs` (…-reordering-start). */
  #wait(arrivedMs: number): Promise<void> {
    const { clock, reorderMs } = this.#options;
    const leftMs = arrivedMs + reorderMs - clock.monotonicMs();
    if (leftMs <= 0) return this.#giveUp();
    this.#stopWaiting = clock.after(leftMs, () => void this.#giveUp());
    return Promise.resolve();
  }

  #endWait(): void {
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
  }

  /**
   * A message is lost (…-host-reordering-rebirth). It may have been a birth, so what waits behind
   * it cannot be understood: it is left out, said as missing, and a new birth is asked for.
   */
  #giveUp(): Promise<void> {
    this.counts.sequenceGaps += 1;
    return this.#doubt('timeout', 'a message of the edge node is missing');
  }

  #doubt(cause: LossCause, reason: string): Promise<void> {
    const lapsed = this.#lapse({ cause, reason, fromMs: this.#heardMs });
    this.#rebirth.want();
    return lapsed;
  }

  /** The session is over, or no longer certain. */
  async #lapse(lapse: Lapse): Promise<void> {
    this.#session = undefined;
    this.#order.restart(0);
    this.#endWait();
    await Promise.all([...this.#audiences].map((audience) => audience.lapses(lapse)));
  }

  /** What cannot be understood may have been any message, so only its number would be missed. */
  #refuse(): void {
    this.counts.nonsense += 1;
    if (this.#session === undefined) this.#rebirth.want();
  }

  async #bear(message: Waiting, seq: number): Promise<void> {
    const { payload, gatewayTimeMs } = message;
    const dead = this.#dead;
    this.#dead = undefined;
    if (dead !== undefined && dead.bdSeq === bdSeqOf(payload) && !isAfter(payload, dead)) {
      // Overtaken by its own death; if the edge node lives after all, its next birth counts.
      this.counts.outdated += 1;
      return this.#rebirth.want();
    }
    this.counts.births += 1;
    this.#rebirth.came();
    this.#endWait();
    this.#order.restart(seq);
    this.#heardMs = gatewayTimeMs;
    const session = {
      bdSeq: bdSeqOf(payload),
      timestamp: payload.timestamp,
      births: new Map<string, Birth>(),
    };
    this.#session = session;
    for (const audience of this.#audiences) {
      // An edge node's birth ends the sessions of its devices; theirs follow.
      if (audience.device !== undefined) audience.awaits(gatewayTimeMs);
    }
    await this.#bearScope(session, message);
  }

  async #bearScope(session: Session, { topic, payload, gatewayTimeMs }: Waiting): Promise<void> {
    const audiences = this.#hearing(topic.device);
    if (audiences.length === 0) return;
    const birth = birthOf(payload.metrics);
    session.births.set(topic.device ?? '', birth);
    const metrics = payload.metrics.flatMap((metric) => {
      // By name only: this is where the aliases are given.
      const { alias: _, ...rest } = metric;
      const named = nameMetric(birth, rest);
      return typeof named === 'string' ? [] : [named];
    });
    const said = saidOf(metrics, payload, gatewayTimeMs);
    await Promise.all(audiences.map((audience) => audience.born(said)));
  }

  async #die({ payload, gatewayTimeMs }: Waiting): Promise<void> {
    const bdSeq = bdSeqOf(payload);
    const session = this.#session;
    // A will that the broker kept of an earlier session may come after the next one's birth
    // (sparkplug #421). A session without a number is ended by every death.
    const isOurs =
      session === undefined ||
      bdSeq === undefined ||
      session.bdSeq === undefined ||
      session.bdSeq === bdSeq;
    if (!isOurs) {
      this.counts.staleDeaths += 1;
      return;
    }
    this.counts.deaths += 1;
    this.#dead = session ?? this.#dead;
    this.#rebirth.stop();
    await this.#lapse({ cause: 'absent', reason: 'the edge node is dead', fromMs: gatewayTimeMs });
  }

  async #apply(message: Waiting, session: Session): Promise<void> {
    const { topic, payload, gatewayTimeMs } = message;
    if (topic.verb === 'DBIRTH') return this.#bearScope(session, message);
    const audiences = this.#hearing(topic.device);
    if (audiences.length === 0) return;
    const birth = session.births.get(topic.device ?? '');
    if (topic.verb === 'DDEATH') {
      session.births.delete(topic.device ?? '');
      const lapse = deathOf(message, this.#heardMs);
      await Promise.all(audiences.map((audience) => audience.lapses(lapse)));
      return;
    }
    if (birth === undefined) {
      this.counts.unborn += 1;
      return this.#rebirth.want();
    }
    const named = payload.metrics.map((metric) => nameMetric(birth, metric));
    if (named.includes('alias')) {
      // benthos-umh #345: the births that we know are not those that the edge node means.
      this.counts.unknownAliases += 1;
      return this.#doubt('nonsense', 'the edge node uses an alias that no birth gave');
    }
    const metrics = named.filter((metric) => typeof metric !== 'string');
    if (metrics.length < named.length) {
      this.counts.unknownNames += 1;
      this.#rebirth.want();
    }
    const said = saidOf(metrics, payload, gatewayTimeMs);
    await Promise.all(audiences.map((audience) => audience.says(said)));
  }

  #hearing(device: string | undefined): Audience[] {
    return [...this.#audiences].filter((audience) => audience.device === device);
  }
}

function saidOf(metrics: NamedMetric[], { timestamp }: Payload, gatewayTimeMs: number): Said {
  return { metrics, gatewayTimeMs, ...(timestamp !== undefined && { timestamp }) };
}

/** A device's death is dated by its edge node; the loss begins no earlier than we last heard it. */
function deathOf({ payload, gatewayTimeMs }: Waiting, heardMs: number): Lapse {
  const sourceTimeMs = payload.timestamp === undefined ? undefined : Number(payload.timestamp);
  const fromMs = Math.max(heardMs, Math.min(sourceTimeMs ?? gatewayTimeMs, gatewayTimeMs));
  const lapse = { cause: 'absent', reason: 'the device is dead', fromMs } as const;
  return sourceTimeMs === undefined ? lapse : { ...lapse, sourceTimeMs };
}

function isBefore({ timestamp }: Payload, session: Session): boolean {
  return (
    timestamp !== undefined && session.timestamp !== undefined && timestamp < session.timestamp
  );
}

function isAfter({ timestamp }: Payload, session: Session): boolean {
  return (
    timestamp === undefined || session.timestamp === undefined || timestamp > session.timestamp
  );
}

/** The number of the session, which the birth and the death of one session share. */
function bdSeqOf({ metrics }: Payload): bigint | undefined {
  const value = metrics.find(({ name }) => name === 'bdSeq')?.value;
  return value?.kind === 'int' || value?.kind === 'long' ? BigInt(value.value) : undefined;
}
