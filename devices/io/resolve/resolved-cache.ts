/** What was resolved, kept until it expires: bounded in number and bytes, the oldest goes first. */

/** Something kept under a DID. */
interface Kept<T> {
  readonly value: T;
  readonly bytes: number;
  readonly expiresMs: number;
}

export interface ResolvedCache<T> {
  /** What is kept under `did` and has not expired at `atMs`. */
  get(did: string, atMs: number): T | undefined;
  /** Keeps `value`, which takes `bytes`, until `expiresMs`. */
  set(did: string, value: T, cost: { readonly bytes: number; readonly expiresMs: number }): void;
  delete(did: string): void;
}

/** Times are of any one clock; what is larger than the whole cache is not kept. */
export function createResolvedCache<T>(bounds: {
  readonly count: number;
  readonly bytes: number;
}): ResolvedCache<T> {
  const entries = new Map<string, Kept<T>>();
  let total = 0;

  function remove(did: string): void {
    total -= entries.get(did)?.bytes ?? 0;
    entries.delete(did);
  }

  return {
    get(did, atMs) {
      const found = entries.get(did);
      if (found && found.expiresMs > atMs) return found.value;
      remove(did);
      return undefined;
    },
    set(did, value, { bytes, expiresMs }) {
      remove(did);
      if (bytes > bounds.bytes) return;
      entries.set(did, { value, bytes, expiresMs });
      total += bytes;
      for (const oldest of entries.keys()) {
        if (entries.size <= bounds.count && total <= bounds.bytes) break;
        remove(oldest);
      }
    },
    delete: remove,
  };
}
