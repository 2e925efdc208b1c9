/**
 * Which topics a device's points stand in. The topic of the device may hold wildcards: `+` stands
 * for one level, `#` for any number of levels before the topic of the point.
 */

export interface TopicPlan<T> {
  /** What to subscribe to. */
  readonly filters: readonly string[];
  /** What the topic of a message is about, or `undefined` where it is about nothing of ours. */
  find(topic: string): T | undefined;
}

/** A shared subscription [MQTT-4.8.2-1]: the group, then the filter that messages must match. */
const SHARED = /^\$share\/[^/+#]+\//;

export function isShared(topic: string): boolean {
  return SHARED.test(topic);
}

/** The topic without the name of a group that shares it. */
export function unshared(topic: string): string {
  return topic.replace(SHARED, '');
}

/**
 * Plans the topics of a device. `points` are pairs of a point's name and its topic below that of
 * the device (empty: that of the device itself); `combine` makes what is found for the points
 * that one topic holds, and is called once for each set of points.
 */
export function planTopics<T>(
  device: string,
  points: readonly (readonly [point: string, topic: string])[],
  combine: (points: readonly string[]) => T,
): TopicPlan<T> {
  const patterns = new Map<string, { readonly match: RegExp; readonly points: string[] }>();
  for (const [point, topic] of points) {
    const known = patterns.get(topic);
    if (known) known.points.push(point);
    else patterns.set(topic, { match: patternOf(unshared(device), topic), points: [point] });
  }
  const made = new Map<string, T>();
  return {
    filters: [...new Set([...patterns.keys()].map((topic) => filterOf(device, topic)))],
    find(topic) {
      const found = [...patterns].filter(([, { match }]) => match.test(topic));
      if (found.length === 0) return undefined;
      const key = found.map(([pattern]) => pattern).join('\n');
      const known = made.get(key);
      if (known !== undefined) return known;
      const combined = combine(found.flatMap(([, pattern]) => pattern.points));
      made.set(key, combined);
      return combined;
    },
  };
}

function filterOf(device: string, topic: string): string {
  return topic === '' || device.endsWith('#') ? device : `${device}/${topic}`;
}

/** Wildcards stand for whole levels [MQTT-4.7.1-2], [MQTT-4.7.1-3]. */
function patternOf(device: string, topic: string): RegExp {
  const parts = device.split('/').map((level) => (level === '+' ? '[^/]*' : escaped(level)));
  if (device.endsWith('#')) {
    const before = parts.slice(0, -1).join('/');
    if (topic === '') return new RegExp(before === '' ? '^.*$' : `^${before}(?:/.*)?$`, 's');
    const root = before === '' ? '' : `${before}/`;
    return new RegExp(`^${root}(?:.*/)?${escaped(topic)}$`, 's');
  }
  const whole = topic === '' ? parts : [...parts, escaped(topic)];
  return new RegExp(`^${whole.join('/')}$`, 's');
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
