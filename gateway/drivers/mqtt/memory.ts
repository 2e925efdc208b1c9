/**
 * Which messages of a session are durable or on their way to it: a copy that the broker sends
 * after a broken connection, or after a restart of the gateway, must not become a second reading.
 * A name is the packet id, a space, and a digest of topic and payload.
 */
import { limits } from '../../../devices/limits.ts';

export interface MessageMemory {
  /** When the message is durable, or `undefined` where it is not known. */
  of(name: string): Promise<void> | undefined;
  /** Another message with the same packet id is thereby known to be over. */
  remember(name: string, durable: Promise<void>): void;
  /** The names that are known for a packet id. */
  named(id: number): readonly string[];
  forget(names: readonly string[]): void;
  /** Says whether there was anything. */
  clear(): boolean;
}

/** A memory of the newest `limits.mqttRememberedMax`; `before` is durable, oldest first. */
export function createMemory(before: readonly string[]): MessageMemory {
  const durableBy = new Map<string, Promise<void>>();
  const nameBy = new Map<string, string>();

  const drop = (name: string) => {
    durableBy.delete(name);
    if (nameBy.get(idOf(name)) === name) nameBy.delete(idOf(name));
  };
  const remember = (name: string, durable: Promise<void>) => {
    const former = nameBy.get(idOf(name));
    if (former !== undefined) drop(former);
    durableBy.set(name, durable);
    nameBy.set(idOf(name), name);
    const [oldest] = durableBy.keys();
    if (durableBy.size > limits.mqttRememberedMax && oldest !== undefined) drop(oldest);
  };
  for (const name of before) remember(name, Promise.resolve());

  return {
    of: (name) => durableBy.get(name),
    remember,
    named(id) {
      const name = nameBy.get(String(id));
      return name === undefined ? [] : [name];
    },
    forget(names) {
      for (const name of names) drop(name);
    },
    clear() {
      const had = durableBy.size > 0;
      durableBy.clear();
      nameBy.clear();
      return had;
    },
  };
}

function idOf(name: string): string {
  return name.slice(0, name.indexOf(' '));
}
