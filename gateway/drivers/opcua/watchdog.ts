/**
 * The watchdog of every single item: silent is not the same as unchanged. An item that was not
 * heard for long is read. Either the server still says what it said last, which is a reading too,
 * or it says something that the subscription should have sent: then the item is dead.
 */
import { limits } from '../../../devices/limits.ts';
import type { Sample } from '../../../devices/reading.ts';
import { chunks } from './calls.ts';
import type { Watched } from './notification.ts';
import type { ItemPlan, ValueItem } from './plan.ts';
import { readValues } from './read.ts';
import type { Repeats } from './repeats.ts';
import type { ServiceContext } from './services.ts';
import { sampleOfValue } from './value.ts';

export interface CheckOptions {
  readonly services: ServiceContext;
  readonly plan: ItemPlan;
  readonly items: Iterable<Watched>;
  readonly repeats: Repeats;
  /** Items that said something new to the last check and have not been heard since. */
  readonly suspects: ReadonlySet<Watched>;
  /** Whether the server is asked to send new values at all, not only new statuses. */
  readonly sendsValues: boolean;
}

export interface Checked {
  /** Readings of items that are silent because nothing changed, marked as such. */
  readonly samples: readonly Sample[];
  readonly unchanged: number;
  /** Heard of a change that has not come yet: to be looked at once more. */
  readonly suspects: ReadonlySet<Watched>;
  /** Suspects that stayed silent: the server has forgotten them. With what was read of them. */
  readonly dead: readonly { readonly watched: Watched; readonly samples: readonly Sample[] }[];
}

/** Status of a value that was read because its item was silent, and is what it was. */
const UNCHANGED = 'opcua:unchanged';

/** When the next item will have been silent for long, on the monotonic clock. */
export function nextCheckAt(items: Iterable<Watched>): number {
  let next = Number.POSITIVE_INFINITY;
  for (const { heardAt, item } of items) {
    if (item.kind === 'value') next = Math.min(next, heardAt + item.silenceMs);
  }
  return next;
}

/** Reads every value item that was silent for long. Rejects when the server does not answer. */
export async function checkSilent(options: CheckOptions): Promise<Checked> {
  const { plan, repeats, services, suspects: suspected } = options;
  const { clock } = services;
  const askedAt = clock.monotonicMs();
  const silent: { readonly watched: Watched; readonly item: ValueItem }[] = [];
  for (const watched of options.items) {
    const { heardAt, item } = watched;
    if (item.kind === 'value' && askedAt - heardAt >= item.silenceMs)
      silent.push({ watched, item });
  }
  const samples: Sample[] = [];
  const suspects = new Set<Watched>();
  const dead: { readonly watched: Watched; readonly samples: readonly Sample[] }[] = [];
  let unchanged = 0;
  for (const chunk of chunks(silent, limits.opcuaNodesPerCall)) {
    const values = await readValues(
      services,
      chunk.map(({ item }) => item),
    );
    const gatewayTimeMs = clock.nowMs();
    for (const [index, { watched, item }] of chunk.entries()) {
      const value = values[index];
      // Heard while it was being read.
      if (!value || watched.heardAt > askedAt) continue;
      const read = item.parts.map((part) => sampleOfValue(part, value, gatewayTimeMs, plan.types));
      // What lies within a deadband is not sent, and so no news.
      const sent = options.sendsValues && item.deadband === undefined;
      const news = sent && read.some((sample) => repeats.isNews(sample));
      if (news && suspected.has(watched)) dead.push({ watched, samples: read });
      else if (news) suspects.add(watched);
      if (news) continue;
      unchanged += 1;
      watched.heardAt = askedAt;
      samples.push(...read.map(asUnchanged));
    }
  }
  return { samples, unchanged, suspects, dead };
}

function asUnchanged(sample: Sample): Sample {
  const { status } = sample;
  return { ...sample, status: status === undefined ? UNCHANGED : `${status}; ${UNCHANGED}` };
}
