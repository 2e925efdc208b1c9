/**
 * Watches the lengths of MQTT packets in a byte stream. The broker library buffers a packet of
 * any announced length, 256 MiB of it, before it asks who is sending (aedes #1086).
 */

/** Takes the next bytes of the stream; false as soon as a packet announces more than allowed. */
export type FrameWatch = (chunk: Uint8Array) => boolean;

/** A watch over one stream; `packetBytesMax` counts what follows the fixed header. */
export function watchFrames(packetBytesMax: number): FrameWatch {
  let state: 'type' | 'length' | 'body' = 'type';
  let length = 0;
  let shift = 0;
  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (state === 'type') {
        state = 'length';
        length = 0;
        shift = 0;
        at += 1;
      } else if (state === 'length') {
        const byte = chunk[at] ?? 0;
        at += 1;
        length += (byte & 0x7f) * 2 ** shift;
        shift += 7;
        // [MQTT-2.2.3]: at most four bytes, seven bits each, least significant first.
        if (length > packetBytesMax || shift > 28) return false;
        if (byte < 0x80) state = length === 0 ? 'type' : 'body';
      } else {
        const taken = Math.min(length, chunk.length - at);
        length -= taken;
        at += taken;
        if (length === 0) state = 'type';
      }
    }
    return true;
  };
}
