/**
 * Keeps a packet that is too large out of memory. MQTT 3.1.1 cannot tell a broker how much a
 * client takes, and mqtt.js collects up to 256 MiB before it hands a message over. Breaking the
 * connection would not help: the broker would send the same message again, for ever.
 */
import { Transform } from 'node:stream';

const PUBLISH = 3;

/**
 * A stream that passes MQTT packets on, but of a PUBLISH whose remaining length is more than
 * `bytesMax` only what comes before the payload: the message arrives empty, is known for nonsense
 * and can be acknowledged.
 */
export function limitPublish(bytesMax: number): Transform {
  let head: Buffer = Buffer.alloc(0);
  let passing = 0;
  let skipping = 0;

  /** Passes or skips what belongs to the packet that is under way; what is left of `bytes`. */
  const goOn = (stream: Transform, bytes: Buffer): Buffer => {
    const skipped = Math.min(skipping, bytes.length);
    skipping -= skipped;
    const end = skipped + Math.min(passing, bytes.length - skipped);
    passing -= end - skipped;
    if (end > skipped) stream.push(bytes.subarray(skipped, end));
    return bytes.subarray(end);
  };

  return new Transform({
    transform(chunk: Buffer, _, done) {
      let bytes = goOn(this, chunk);
      while (bytes.length > 0) {
        head = head.length === 0 ? bytes : Buffer.concat([head, bytes]);
        const packet = beginning(head, bytesMax);
        if (packet === undefined) break;
        ({ passing, skipping } = packet);
        if (packet.instead !== undefined) this.push(packet.instead);
        const taken = head.subarray(packet.read);
        head = Buffer.alloc(0);
        bytes = goOn(this, taken);
      }
      // A copy, so that a few bytes do not keep the socket's whole chunk alive.
      head = head.length === 0 ? head : Buffer.from(head);
      done();
    },
  });
}

interface Beginning {
  /** Bytes that are dealt with; `instead` goes on in their place. */
  readonly read: number;
  readonly instead?: Buffer;
  readonly passing: number;
  readonly skipping: number;
}

/** What to do with the packet that begins `bytes`; `undefined` while too few bytes are there. */
function beginning(bytes: Buffer, bytesMax: number): Beginning | undefined {
  const [first = 0] = bytes;
  let remaining = 0;
  let at = 1;
  for (; ; at += 1) {
    const byte = bytes[at];
    // Not a length [MQTT-2.2.3]: it is left to the parser to refuse the stream.
    if (at > 4) return { read: 0, passing: Number.POSITIVE_INFINITY, skipping: 0 };
    if (byte === undefined) return undefined;
    remaining += (byte & 127) * 128 ** (at - 1);
    if (byte < 128) break;
  }
  const header = at + 1;
  if (first >> 4 !== PUBLISH || remaining <= bytesMax) {
    return { read: 0, passing: header + remaining, skipping: 0 };
  }
  if (bytes.length < header + 2) return undefined;
  // Topic, and the packet id that only QoS 1 and 2 have [MQTT-2.3.1-1].
  const before = 2 + bytes.readUInt16BE(header) + ((first & 6) === 0 ? 0 : 2);
  // A topic longer than the packet is left to the parser, too.
  if (before > remaining) return { read: 0, passing: header + remaining, skipping: 0 };
  if (bytes.length < header + before) return undefined;
  const kept = bytes.subarray(header, header + before);
  const instead = Buffer.concat([Buffer.from([first, ...lengthOf(before)]), kept]);
  return { read: header + before, instead, passing: 0, skipping: remaining - before };
}

/** Remaining length, seven bits a byte [MQTT-2.2.3]. */
function lengthOf(count: number): number[] {
  const low = count & 127;
  return count < 128 ? [low] : [low | 128, ...lengthOf(count >> 7)];
}
