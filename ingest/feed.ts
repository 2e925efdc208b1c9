/**
 * The live feed: hands every change of a twin to subscribers, newest state only. A subscriber that
 * cannot keep up loses its connection, never the feed its pace; it resumes from the last position
 * that it saw complete.
 */
import { limits } from '../devices/limits.ts';
import type { Changes, TwinChange } from './apply.ts';

/** What one subscriber is written to. */
export interface FeedOutlet {
  /** Bytes written and not yet taken by the peer. */
  pendingBytes(): number;
  write(text: string): void;
  /** Ends the connection. */
  close(): void;
}

export interface Feed {
  /** Hands out changes; never throws, never waits. */
  publish(changes: Changes): void;
  /**
   * Adds a subscriber, or returns `undefined` when there are too many. `missed` gives the twins
   * that were touched at or after the position where the subscriber left off; changes that are
   * published meanwhile are kept and follow.
   */
  subscribe(outlet: FeedOutlet, missed: () => Promise<Changes>): Subscription | undefined;
  /** Writes a comment to every subscriber, so that both ends notice a dead connection. */
  beat(): void;
  subscribers(): number;
  close(): void;
}

export interface Subscription {
  /** Resolves when what was missed is written. */
  readonly ready: Promise<void>;
  /** Forgets the subscriber; its connection is gone. */
  end(): void;
}

interface Subscriber {
  readonly outlet: FeedOutlet;
  /** Newest change of each twin, while what was missed is being fetched. */
  waiting: Map<string, TwinChange> | undefined;
  cursor: number;
}

export function createFeed(): Feed {
  const subscribers = new Set<Subscriber>();

  const drop = (subscriber: Subscriber) => {
    if (!subscribers.delete(subscriber)) return;
    subscriber.waiting = undefined;
    subscriber.outlet.close();
  };
  const write = (subscriber: Subscriber, text: string) => {
    if (subscriber.outlet.pendingBytes() > limits.feedBytesMax) return drop(subscriber);
    subscriber.outlet.write(text);
  };
  const keep = (subscriber: Subscriber, { twins, cursor }: Changes) => {
    const { waiting } = subscriber;
    if (waiting === undefined) return;
    for (const twin of twins) waiting.set(twin.id, twin);
    subscriber.cursor = cursor;
    if (waiting.size > limits.feedQueueMax) drop(subscriber);
  };
  /** Writes what was missed, then what changed meanwhile, in this order. */
  const catchUp = async (subscriber: Subscriber, missed: () => Promise<Changes>) => {
    const changes = await missed();
    const { waiting, cursor } = subscriber;
    if (waiting === undefined) return;
    subscriber.waiting = undefined;
    write(subscriber, eventsOf(changes));
    // What was published meanwhile may be older than what was read: only the newer follows.
    const read = new Map(changes.twins.map(({ id, position }) => [id, position]));
    const twins = [...waiting.values()].filter(
      ({ id, position }) => position > (read.get(id) ?? -1),
    );
    if (cursor > changes.cursor && subscribers.has(subscriber)) {
      write(subscriber, eventsOf({ twins, cursor }));
    }
  };

  return {
    publish(changes) {
      makeRoom(subscribers, drop);
      let text: string | undefined;
      for (const subscriber of subscribers) {
        if (subscriber.waiting !== undefined) {
          keep(subscriber, changes);
          continue;
        }
        text ??= eventsOf(changes);
        write(subscriber, text);
      }
    },
    subscribe(outlet, missed) {
      if (subscribers.size >= limits.feedSubscribersMax) return undefined;
      const subscriber: Subscriber = { outlet, waiting: new Map(), cursor: 0 };
      subscribers.add(subscriber);
      const ready = catchUp(subscriber, missed).catch(() => drop(subscriber));
      return { ready, end: () => void subscribers.delete(subscriber) };
    },
    beat() {
      for (const subscriber of subscribers) {
        if (subscriber.waiting === undefined) write(subscriber, ': beat\n\n');
      }
    },
    subscribers: () => subscribers.size,
    close() {
      for (const subscriber of subscribers) drop(subscriber);
    },
  };
}

/** Drops the slowest while more bytes than allowed are on their way to all together. */
function makeRoom(subscribers: ReadonlySet<Subscriber>, drop: (slowest: Subscriber) => void): void {
  const pending = [...subscribers].map((one) => [one.outlet.pendingBytes(), one] as const);
  let sum = pending.reduce((total, [bytes]) => total + bytes, 0);
  if (sum <= limits.feedBytesAllMax) return;
  for (const [bytes, slowest] of pending.sort(([a], [b]) => b - a)) {
    if (sum <= limits.feedBytesAllMax) return;
    drop(slowest);
    sum -= bytes;
  }
}

/**
 * Server-sent events, one a twin. Only the last carries the id, the position before which
 * everything was said: a connection that breaks in between resumes from the id before.
 */
export function eventsOf({ twins, cursor }: Changes): string {
  const events = twins.map(({ json }) => `event: twin\ndata: ${json}\n\n`);
  events.push(`event: position\nid: ${cursor}\ndata: ${cursor}\n\n`);
  return events.join('');
}
