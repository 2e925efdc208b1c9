/**
 * The publish loop of one session, driven by hand: the library's own acknowledges a notification
 * when it arrives, this one when its samples are durable. What is not acknowledged the server
 * keeps, and gives again after a broken connection (OPC 10000-4 §6.7).
 */
import { limits } from '../../../devices/limits.ts';
import { deadline } from '../deadline.ts';
import type { NotificationMessage, PublishResponse } from './library.ts';
import { unpack } from './notification.ts';
import type { SubscriptionContext, SubscriptionMemory } from './subscription.ts';

export class PublishLoop {
  readonly #context: SubscriptionContext;
  readonly memory: SubscriptionMemory;
  /** Messages whose samples are not durable yet; with the requests at most the window. */
  readonly #pending = new Set<Promise<void>>();
  #window: number = limits.opcuaPublishWindow;
  /** Publish requests that wait at the server. */
  #outstanding = 0;
  #running = true;
  /** Set when everything that was sent before has been asked for again. */
  #recovered = false;
  /** Messages are taken one after the other. */
  #tail: Promise<void>;
  #cancelWatch = (): void => {};
  #onIdle = (): void => {};

  /** Asks for what was sent before, then for what comes. `onLost` is called at most once. */
  constructor(context: SubscriptionContext, memory: SubscriptionMemory) {
    this.#context = context;
    this.memory = memory;
    this.#tail = this.#recover().then(
      () => {
        this.#recovered = true;
        this.#ask();
      },
      (error: unknown) => this.#lose(asError(error), false),
    );
  }

  /** Resolves when what the server kept for us is durable, or failed to be. */
  async caughtUp(): Promise<void> {
    await this.#tail;
    await Promise.all(this.#pending);
  }

  /** Ends the subscription and resolves when all that the server sent has been delivered. */
  async end(signal: AbortSignal): Promise<void> {
    const { clock, session } = this.#context;
    if (this.#running) {
      this.#running = false;
      this.#cancelWatch();
      // Everything that the server published comes before its answer to this,
      await deadline(
        clock,
        limits.opcuaRequestMs,
        'ending a subscription',
        new Promise((resolve) => {
          session.deleteSubscriptions({ subscriptionIds: [this.memory.id] }, resolve);
        }),
      ).catch(() => undefined);
      // and then an answer to each request that still waits, BadNoSubscription.
      const idle = new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
      if (this.#outstanding > 0) {
        await Promise.race([idle, clock.sleep(limits.opcuaRequestMs / 5, signal)]);
      }
    }
    await Promise.race([this.#tail, aborted(signal)]);
    await Promise.race([Promise.all(this.#pending), aborted(signal)]);
  }

  /** Asks for nothing more: the session may go on over another channel, with another loop. */
  drop(): void {
    this.#running = false;
    this.#cancelWatch();
  }

  #lose(reason: Error, gone: boolean): void {
    if (!this.#running) return;
    this.drop();
    this.#context.onLost(reason, gone);
  }

  #watch(): void {
    this.#cancelWatch();
    if (!this.#running || this.#outstanding === 0) return;
    const silenceMs = 3 * this.memory.keepAliveMs + limits.opcuaRequestMs;
    this.#cancelWatch = this.#context.clock.after(silenceMs, () =>
      this.#lose(new Error(`the server has said nothing for ${silenceMs} ms`), false),
    );
  }

  /** Our subscription was heard: asks for more, and begins to wait anew. */
  #ask(): void {
    if (!this.#recovered) return;
    this.#request();
    this.#watch();
  }

  /** Keeps requests waiting at the server, as long as few messages wait for their storage. */
  #request(): void {
    const { memory } = this;
    const { PublishRequest } = this.#context.opcua.client;
    while (this.#running && this.#outstanding + this.#pending.size < this.#window) {
      this.#outstanding += 1;
      const request = new PublishRequest({
        requestHeader: { timeoutHint: (this.#window + 3) * memory.keepAliveMs + 60_000 },
        subscriptionAcknowledgements: memory.acknowledge.map((sequenceNumber) => ({
          subscriptionId: memory.id,
          sequenceNumber,
        })),
      });
      memory.acknowledge = [];
      this.#context.session.publish(request, (error, response) => {
        this.#outstanding -= 1;
        this.#answered(error, response);
        if (this.#outstanding === 0) this.#onIdle();
      });
    }
  }

  #answered(error: Error | null, response: PublishResponse | undefined): void {
    if (response && response.subscriptionId !== this.memory.id) {
      // What another subscription of this session says is not ours (Industrial-IoT #2055).
      this.#context.tally.add('foreignNotifications');
      this.#request();
    } else if (response) {
      this.#tail = this.#tail
        .then(() => this.#take(response.notificationMessage))
        .then(
          () => this.#ask(),
          (failure: unknown) => this.#lose(asError(failure), false),
        );
    } else if (error && /BadTooManyPublishRequests/.test(error.message)) {
      this.#window = Math.max(1, Math.min(this.#window - 1, this.#outstanding));
      if (this.#outstanding === 0) this.#ask();
    } else {
      const gone = /BadNoSubscription|BadSubscriptionIdInvalid/.test(error?.message ?? '');
      this.#lose(error ?? new Error('the server gave an empty answer'), gone);
    }
  }

  /** Begins the delivery of one message and of those before it that have not come. */
  async #take(message: NotificationMessage): Promise<void> {
    const { memory } = this;
    const { sequenceNumber } = message;
    const publishMs = message.publishTime?.getTime() ?? 0;
    if ((message.notificationData ?? []).length === 0) {
      // A keep-alive carries the number of the next message (OPC 10000-4 §5.14.1.1).
      await this.#fetchBefore(sequenceNumber);
    } else if (memory.published.get(sequenceNumber) === publishMs) {
      this.#context.tally.add('repeatedNotifications');
      memory.acknowledge.push(sequenceNumber);
    } else if (isNewer(sequenceNumber, memory.lastSequence) || memory.lastSequence === 0) {
      await this.#fetchBefore(sequenceNumber);
      this.#begin(message);
    } else {
      // The numbers went back: the server counts anew, and nobody knows what is missing.
      this.#context.tally.add('sequenceJumps');
      await this.#context.onHole(memory.heardMs, memory.points);
      memory.lastSequence = sequenceNumber;
      this.#begin(message);
    }
    memory.heardMs = this.#earlierOf(message.publishTime?.getTime());
    memory.heardAt = this.#context.clock.monotonicMs();
  }

  /**
   * Now, by the server's clock if that is behind; a clock that is far off (a controller that
   * woke up in 2000, edge.md no. 33) says nothing about an interval.
   */
  #earlierOf(publishMs: number | undefined): number {
    const nowMs = this.#context.clock.nowMs();
    const isUsable = publishMs !== undefined && nowMs - publishMs < limits.clockSkewMs;
    return isUsable ? Math.min(publishMs, nowMs) : nowMs;
  }

  /** Hands over one message; its acknowledgement follows when that is durable. */
  #begin(message: NotificationMessage): void {
    const { memory } = this;
    const { sequenceNumber } = message;
    const { clock, settings, deliver, repeats, tally } = this.#context;
    const sinceMs = memory.heardMs;
    const { sets, ended, foreign, repeated } = unpack(message.notificationData ?? [], {
      items: memory.items,
      types: memory.plan.types,
      repeats,
      gatewayTimeMs: clock.nowMs(),
      atMs: clock.monotonicMs(),
      samplingMs: settings.samplingMs,
    });
    if (isNewer(sequenceNumber, memory.lastSequence)) memory.lastSequence = sequenceNumber;
    rememberPublished(memory, message);
    if (repeated > 0) tally.add('repeatedValues', repeated);
    if (foreign > 0) {
      tally.add('foreignNotifications');
      this.#lose(new Error('the server sends items that are not ours under our id'), true);
      return;
    }
    const settled: Promise<void> = Promise.all(sets.map((set) => deliver(set)))
      .then(
        () => void memory.acknowledge.push(sequenceNumber),
        (error: unknown) => {
          memory.failed.set(sequenceNumber, sinceMs);
          memory.published.delete(sequenceNumber);
          for (const { samples } of sets) repeats.forget(samples);
          this.#lose(asError(error), false);
        },
      )
      .then(() => {
        this.#pending.delete(settled);
        this.#ask();
      });
    this.#pending.add(settled);
    if (ended !== undefined) {
      this.#lose(new Error(`the server ended the subscription: ${ended}`), true);
    }
  }

  /**
   * Asks again for every message before `next` that has not come (Republish). What the server does
   * not have any more is one hole, however far the numbers jumped.
   */
  async #fetchBefore(next: number): Promise<void> {
    const { memory } = this;
    const { onHole, tally } = this.#context;
    if (memory.lastSequence === 0) return;
    for (let count = 0; count < limits.opcuaRepublishMax; count += 1) {
      const wanted = after(memory.lastSequence);
      if (!isNewer(next, wanted)) return;
      const message = await this.#republish(wanted);
      if (!message) break;
      this.#begin(message);
      memory.lastSequence = wanted;
    }
    tally.add('sequenceJumps');
    await onHole(memory.heardMs, memory.points);
    memory.lastSequence = before(next);
  }

  /** OPC 10000-4 §6.7: Republish until there is no more, and only then Publish. */
  async #recover(): Promise<void> {
    const { memory } = this;
    for (const [sequenceNumber, sinceMs] of [...memory.failed]) {
      const message = await this.#republish(sequenceNumber);
      memory.failed.delete(sequenceNumber);
      if (message) this.#begin(message);
      else await this.#context.onHole(sinceMs, memory.points);
    }
    if (memory.lastSequence === 0) return;
    for (let count = 0; count < limits.opcuaRepublishMax; count += 1) {
      const message = await this.#republish(after(memory.lastSequence));
      if (!message) return;
      this.#begin(message);
    }
  }

  /** The message with this number, if the server still has it. */
  async #republish(retransmitSequenceNumber: number): Promise<NotificationMessage | undefined> {
    const { session, opcua, clock } = this.#context;
    const request = new opcua.client.RepublishRequest({
      subscriptionId: this.memory.id,
      retransmitSequenceNumber,
    });
    const answer = new Promise<NotificationMessage | undefined>((resolve) => {
      session.republish(request, (_error, response) => resolve(response?.notificationMessage));
    });
    return await deadline(clock, limits.opcuaRequestMs, 'asking for a message again', answer);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** OPC 10000-6 §6.7.2.4: numbers run to 2^32 - 1 and go on with 1. */
function after(sequence: number): number {
  return sequence >= 0xffffffff ? 1 : sequence + 1;
}

function before(sequence: number): number {
  return sequence <= 1 ? 0xffffffff : sequence - 1;
}

function rememberPublished({ published }: SubscriptionMemory, message: NotificationMessage): void {
  published.set(message.sequenceNumber, message.publishTime?.getTime() ?? 0);
  if (published.size <= limits.opcuaSeenMessages) return;
  const [oldest] = published.keys();
  if (oldest !== undefined) published.delete(oldest);
}

/** Whether `a` comes after `b`, also across the wrap. */
function isNewer(a: number, b: number): boolean {
  return a !== b && (a - b) >>> 0 < 0x80000000;
}
