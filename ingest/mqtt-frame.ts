/**
 * Watches the lengths of MQTT packets in a byte stream. The broker library, and the client library
 * likewise, buffers a packet of any announced length, 256 MiB of it, before it asks who is sending
 * (aedes #1086).
 */
import { limits } from '../devices/limits.ts';

export interface FrameWatch {
  /** Takes the next bytes of the stream; false as soon as a packet announces more than allowed. */
  take(chunk: Uint8Array): boolean;
  /** What the library holds of a packet that is not whole yet, bytes. */
  held(): number;
  /** Packets that were whole. */
  whole(): number;
}

/**
 * A watch over one stream; `packetBytesMax` counts what follows the fixed header, `firstBytesMax`
 * likewise of the first packet.
 */
export function watchFrames(packetBytesMax: number, firstBytesMax = packetBytesMax): FrameWatch {
  let state: 'type' | 'length' | 'body' = 'type';
  let length = 0;
  let shift = 0;
  let held = 0;
  let whole = 0;
  let bytesMax = firstBytesMax;
  const begin = () => {
    state = 'type';
    held = 0;
    whole += 1;
    bytesMax = packetBytesMax;
  };
  return {
    held: () => held,
    whole: () => whole,
    take(chunk) {
      let from = 0;
      for (let at = 0; at < chunk.length; ) {
        if (state === 'type') {
          state = 'length';
          length = 0;
          shift = 0;
          from = at;
          at += 1;
        } else if (state === 'length') {
          const byte = chunk[at] ?? 0;
          at += 1;
          length += (byte & 0x7f) * 2 ** shift;
          shift += 7;
          // [MQTT-2.2.3]: at most four bytes, seven bits each, least significant first.
          if (length > bytesMax || shift > 28) return false;
          if (byte >= 0x80) continue;
          if (length === 0) begin();
          else state = 'body';
        } else {
          const taken = Math.min(length, chunk.length - at);
          length -= taken;
          at += taken;
          if (length === 0) begin();
        }
      }
      // Each piece is kept as it came, and a piece of one byte takes more than that.
      if (state !== 'type') held += chunk.length - from + limits.messageOverheadBytes;
      return true;
    },
  };
}
