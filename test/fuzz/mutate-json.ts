/**
 * Changes members of JSON, so that what comes of it is JSON still and gets past the first guard.
 */

/** What stands where something else is expected. */
const odd: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 1e21, 2 ** 53, '', ' ', 'a', '0', 'did:web:x', 'https://x'],
  ...[[], {}, [[]], [null], [{}], { '': 0 }, { a: {} }, ['a', 'a'], { length: -1 }, { id: {} }],
  ...[
    { toString: 1, valueOf: 1 },
    { constructor: 1 },
    JSON.parse('{"then":1}'),
    { code: 1, reason: 1 },
  ],
  ...[
    '2026-13-41T25:61:61Z',
    '9999-12-31T23:59:59.999999999Z',
    '1e999',
    'u',
    'z',
    'urn:uuid:',
    '#',
  ],
  ...['A'.repeat(300), 'é'.repeat(70), '\u0000', '\ud800', '\u202e', '🛢️'],
];

const names = [
  '__proto__',
  'constructor',
  'toString',
  '',
  '@context',
  'proof',
  '_sd',
  '...',
  'a.b',
];

interface Choice {
  readonly at: number;
  readonly size: number;
  readonly pick: number;
}

interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

/**
 * JSON with one of its members changed; what is no JSON comes back as it is, and so does what is
 * nested so deep that no copy of it can be made or written.
 */
export function changeJson(bytes: Buffer, choice: Choice): Buffer {
  let root: unknown;
  try {
    root = JSON.parse(bytes.toString());
  } catch {
    return bytes;
  }
  try {
    return changed(root, choice);
  } catch (error) {
    if (error instanceof RangeError) return bytes;
    throw error;
  }
}

function changed(root: unknown, { at, size, pick }: Choice): Buffer {
  const top: Record<string, unknown> = { root };
  const places = placesOf(top);
  const { holder, key } = places[at % places.length] ?? { holder: top, key: 'root' };
  const other = places[(at >> 3) % places.length];
  switch (size % 8) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      break;
    case 1:
      rename(holder, key, names[pick % names.length] ?? '');
      break;
    case 2:
      // A copy, since a place inside of itself would never end.
      holder[key] = structuredClone(other?.holder[other.key]);
      break;
    case 3:
      holder[key] = nested([holder[key], holder[key]], pick % 100);
      break;
    case 4:
      if (Array.isArray(holder))
        holder.push(...Array.from({ length: pick % 200 }, () => holder[0]));
      else holder[names[pick % names.length] ?? ''] = odd[(pick >> 4) % odd.length];
      break;
    default:
      holder[key] = odd[pick % odd.length];
  }
  return Buffer.from(JSON.stringify(top['root']) ?? 'null');
}

/** Every member and element, the root first, down to as many as are worth it. */
function placesOf(top: Record<string, unknown>): Place[] {
  const places: Place[] = [{ holder: top, key: 'root' }];
  for (let index = 0; index < places.length && places.length < 2_000; index += 1) {
    const { holder, key } = places[index] as Place;
    const value = holder[key];
    if (typeof value !== 'object' || value === null) continue;
    const inner = value as Record<string, unknown>;
    for (const name of Object.keys(inner)) places.push({ holder: inner, key: name });
  }
  return places;
}

function rename(holder: Record<string, unknown>, key: string, name: string): void {
  const value = holder[key];
  if (Array.isArray(holder)) return;
  delete holder[key];
  // `__proto__` as JSON has it: a member, not the prototype.
  Object.defineProperty(holder, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

/** Within arrays and objects by turns, around the depth that readers allow. */
function nested(value: unknown, depth: number): unknown {
  let outer = value;
  for (let level = 0; level < depth; level += 1) outer = level % 2 === 0 ? [outer] : { a: outer };
  return outer;
}
