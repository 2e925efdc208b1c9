/** MQTT 3.1.1 packets, made and taken apart byte by byte, as no library would let one lie. */

export const packetTypes = { publish: 3, puback: 4 } as const;

export interface Publish {
  readonly topic: string;
  /** Packet identifier; `undefined` at QoS 0. */
  readonly id: number | undefined;
  readonly payload: Buffer;
}

export const typeOf = (packet: Buffer): number => (packet[0] ?? 0) >> 4;

/** The parts of a PUBLISH (section 3.3). */
export function readPublish(packet: Buffer): Publish {
  const body = bodyOf(packet);
  const length = body.readUInt16BE(0);
  const topic = body.subarray(2, 2 + length).toString();
  const hasId = (((packet[0] ?? 0) >> 1) & 3) > 0;
  const at = 2 + length;
  if (!hasId) return { topic, id: undefined, payload: body.subarray(at) };
  return { topic, id: body.readUInt16BE(at), payload: body.subarray(at + 2) };
}

/** A PUBLISH with QoS 1, or QoS 0 where it has no identifier. */
export function publishPacket({ id, payload, topic }: { id?: number } & Omit<Publish, 'id'>) {
  const name = Buffer.from(topic);
  const head = [name.length >> 8, name.length & 0xff, ...name];
  if (id !== undefined) head.push(id >> 8, id & 0xff);
  const body = Buffer.concat([Buffer.from(head), payload]);
  return Buffer.concat([fixedHeader(id === undefined ? 0x30 : 0x32, body.length), body]);
}

/** A first byte and a remaining length, whether or not so much follows (section 2.2.3). */
export function fixedHeader(first: number, length: number): Buffer {
  const digits: number[] = [];
  for (let left = length; ; left = Math.floor(left / 128)) {
    digits.push(left < 128 ? left : (left % 128) | 128);
    if (left < 128) return Buffer.from([first, ...digits]);
  }
}

/** PUBACK (section 3.4). */
export function pubackPacket(id: number): Buffer {
  return Buffer.from([packetTypes.puback << 4, 2, id >> 8, id & 0xff]);
}

/** The identifier of a PUBACK. */
export function pubackId(packet: Buffer): number {
  return bodyOf(packet).readUInt16BE(0);
}

/** CONNECT with a clean session and the keep-alive of a minute, without a name. */
export const connectPacket = Buffer.from('100c00044d5154540402003c0000', 'hex');

function bodyOf(packet: Buffer): Buffer {
  let at = 1;
  while ((packet[at] ?? 0) >= 128) at += 1;
  return packet.subarray(at + 1);
}
