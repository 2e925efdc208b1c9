/**
 * Messages one after another in the body of an HTTPS request or answer: four bytes of length, most
 * significant first, then the message. An empty one says only that somebody is there.
 */

const HEAD_BYTES = 4;

/** Media type of such a body. */
export const framesType = 'application/vnd.bondline.frames';

/** A message with its length before it. */
export function frameOf(message: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(message.length);
  return Buffer.concat([head, message]);
}

/** What is kept of a message that is not whole yet. */
export interface Held {
  readonly bytes: number;
  /** In how many pieces. */
  readonly pieces: number;
}

/**
 * Takes a stream apart as it comes. The returned function calls `take` for each message that is
 * whole, and answers `false`, from then on, when one is longer than `bytesMax`.
 */
export function readFrames(
  bytesMax: number,
  take: (message: Uint8Array) => void,
): { push(chunk: Uint8Array): boolean; isWhole(): boolean; held(): Held } {
  let parts: Uint8Array[] = [];
  let held = 0;
  let isBroken = false;

  function head(): number | undefined {
    if (held < HEAD_BYTES) return undefined;
    if ((parts[0]?.length ?? 0) < HEAD_BYTES) parts = [Buffer.concat(parts)];
    const { buffer, byteOffset, byteLength } = parts[0] ?? new Uint8Array();
    // A view: a copy for each of the many small messages of a chunk would be the chunk each time.
    return Buffer.from(buffer, byteOffset, byteLength).readUInt32BE(0);
  }

  return {
    push(chunk) {
      if (isBroken) return false;
      if (chunk.length > 0) parts.push(chunk);
      held += chunk.length;
      for (let length = head(); length !== undefined; length = head()) {
        if (length > bytesMax) {
          isBroken = true;
          parts = [];
          return false;
        }
        const end = HEAD_BYTES + length;
        if (held < end) break;
        // One part is what most chunks are; then nothing is copied.
        const [only] = parts;
        const whole = only && parts.length === 1 ? only : Buffer.concat(parts);
        parts = whole.length > end ? [whole.subarray(end)] : [];
        held -= end;
        take(whole.subarray(HEAD_BYTES, end));
      }
      return true;
    },
    isWhole: () => held === 0,
    held: () => ({ bytes: held, pieces: parts.length }),
  };
}
