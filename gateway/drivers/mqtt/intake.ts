/**
 * The receiving half of the MQTT exchange. It takes PUBLISH and PUBREL out of what a broker sends
 * and leaves the rest to mqtt.js, which is no receiver of record: it answers PUBREC before a
 * message of QoS 2 is stored anywhere, hands over one message at a time, and collects up to
 * 256 MiB of one packet.
 */
import { Transform } from 'node:stream';

/** A message as it came. */
export interface Incoming {
  readonly topic: string;
  /** Empty where the message was too large; then `tooLarge` says how large, in bytes. */
  readonly payload: Uint8Array;
  readonly tooLarge?: number;
  readonly qos: 0 | 1 | 2;
  /** Set for QoS 1 and 2. */
  readonly id?: number;
  readonly retained: boolean;
  /** The broker has sent it before, on a connection that broke [MQTT-3.3.1-1]. */
  readonly duplicate: boolean;
}

export interface IntakeOptions {
  readonly version: 4 | 5;
  /** Remaining length of the largest PUBLISH whose payload is kept, and of any other packet. */
  readonly bytesMax: number;
  readonly onMessage: (message: Incoming) => void;
  /** The broker has our PUBREC and will not send the message with this id again. */
  readonly onRelease: (id: number) => void;
  /** What came is not MQTT; nothing more is passed on. */
  readonly onMalformed: (reason: string) => void;
  /** Asked before each message; the promise that it gives is waited for. */
  readonly room: () => Promise<void> | undefined;
}

/** Control packet types [MQTT-2.2.1]. */
const PUBLISH = 3;
const PUBREL = 6;

/** Answers to a message: first byte and remaining length; MQTT 5 may leave the reason code out. */
export const answers = { puback: 0x40, pubrec: 0x50, pubcomp: 0x70 } as const;

/** PUBACK, PUBREC or PUBCOMP for a packet id, the same in MQTT 3.1.1 and 5. */
export function answerTo(id: number, answer: keyof typeof answers): Uint8Array {
  return Uint8Array.of(answers[answer], 2, id >> 8, id & 255);
}

/**
 * A stream that hands messages and releases over, in order, and passes every other packet on. A
 * message larger than `bytesMax` is handed over without its payload, which is never held: it can
 * be known for nonsense and acknowledged, while a broken connection would bring it again for ever.
 */
export function createIntake(options: IntakeOptions): Transform {
  let held: Buffer = Buffer.alloc(0);
  let passing = 0;
  let skipping = 0;
  let isBroken = false;

  async function take(stream: Transform, chunk: Buffer): Promise<void> {
    let bytes = chunk;
    while (bytes.length > 0 && !isBroken) {
      const skipped = Math.min(skipping, bytes.length);
      skipping -= skipped;
      const end = skipped + Math.min(passing, bytes.length - skipped);
      passing -= end - skipped;
      if (end > skipped) stream.push(bytes.subarray(skipped, end));
      bytes = bytes.subarray(end);
      if (bytes.length === 0) break;
      held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
      const step = nextStep(held, options);
      if (step === undefined) break;
      bytes = held.subarray(step.read);
      held = Buffer.alloc(0);
      ({ passing = 0, skipping = 0 } = step);
      if (step.message !== undefined) {
        await options.room();
        options.onMessage(step.message);
      } else if (step.release !== undefined) options.onRelease(step.release);
      else if (step.malformed !== undefined) {
        isBroken = true;
        options.onMalformed(step.malformed);
      }
    }
    // A copy, so that a few bytes do not keep the socket's whole chunk alive.
    held = isBroken || held.length === 0 ? Buffer.alloc(0) : Buffer.from(held);
  }

  return new Transform({
    transform(chunk: Buffer, _, done) {
      take(this, chunk).then(() => done(), done);
    },
  });
}

/** What to do with the packet that begins the bytes, and how many of them are dealt with. */
interface Step {
  readonly read: number;
  readonly passing?: number;
  readonly skipping?: number;
  readonly message?: Incoming;
  readonly release?: number;
  readonly malformed?: string;
}

/** `undefined` while too few bytes are there. */
function nextStep(bytes: Buffer, { bytesMax, version }: IntakeOptions): Step | undefined {
  const length = readLength(bytes, 1);
  if (length === undefined) return undefined;
  if (length === 'malformed') return broken('a length has more than four bytes [MQTT-2.2.3]');
  const [first = 0] = bytes;
  const header = 1 + length.bytes;
  const end = header + length.value;
  const type = first >> 4;
  if (type !== PUBLISH && length.value > bytesMax) {
    return broken(`a packet of type ${type} has ${length.value} bytes`);
  }
  if (type === PUBREL) {
    if (length.value < 2) return broken('a PUBREL has no packet id');
    return bytes.length < end ? undefined : { read: end, release: bytes.readUInt16BE(header) };
  }
  if (type !== PUBLISH) return { read: 0, passing: end };
  const isTooLarge = length.value > bytesMax;
  if (!isTooLarge && bytes.length < end) return undefined;
  return readPublish(bytes, { header, end, version, isTooLarge });
}

function readPublish(
  bytes: Buffer,
  place: { header: number; end: number; version: 4 | 5; isTooLarge: boolean },
): Step | undefined {
  const { header, end, isTooLarge, version } = place;
  const [first = 0] = bytes;
  const qos = (first >> 1) & 3;
  if (qos !== 0 && qos !== 1 && qos !== 2) return broken('a PUBLISH has QoS 3 [MQTT-3.3.1-4]');
  if (end < header + 2) return broken('a PUBLISH has no topic');
  if (bytes.length < header + 2) return undefined;
  const topicEnd = header + 2 + bytes.readUInt16BE(header);
  let at = topicEnd + (qos === 0 ? 0 : 2);
  if (at > end) return broken('a topic is longer than its packet');
  if (bytes.length < at) return undefined;
  const topic = bytes.toString('utf8', header + 2, topicEnd);
  if (topic === '') return broken('a PUBLISH has no topic, and no alias was offered to the broker');
  const id = qos === 0 ? undefined : bytes.readUInt16BE(topicEnd);
  if (id === 0) return broken('a packet id is 0 [MQTT-2.3.1-1]');
  const common = {
    topic,
    qos,
    ...(id !== undefined && { id }),
    retained: (first & 1) === 1,
    duplicate: (first & 8) === 8,
  } as const;
  if (isTooLarge) {
    const message = { ...common, payload: new Uint8Array(), tooLarge: end - at };
    return { read: at, skipping: end - at, message };
  }
  if (version === 5) {
    // Properties are not looked at: none of them changes what was measured.
    const properties = readLength(bytes.subarray(0, end), at);
    if (properties === undefined || properties === 'malformed') return broken('bad properties');
    at += properties.bytes + properties.value;
    if (at > end) return broken('properties are longer than their packet');
  }
  // A copy: the payload may outlive the socket's chunk.
  return { read: end, message: { ...common, payload: new Uint8Array(bytes.subarray(at, end)) } };
}

/** Seven bits a byte, lowest first, at most four bytes [MQTT-2.2.3]. */
function readLength(
  bytes: Buffer,
  from: number,
): { value: number; bytes: number } | 'malformed' | undefined {
  let value = 0;
  for (let count = 1; count <= 4; count += 1) {
    const byte = bytes[from + count - 1];
    if (byte === undefined) return undefined;
    value += (byte & 127) * 128 ** (count - 1);
    if (byte < 128) return { value, bytes: count };
  }
  return 'malformed';
}

function broken(malformed: string): Step {
  return { read: 0, malformed };
}
