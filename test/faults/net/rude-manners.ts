/** What connections do that nobody should open: slow, half open, too large, reset, cut off. */
import { connectPacket, fixedHeader, publishPacket } from './mqtt-packets.ts';

export interface RudeOrder {
  /** Connections at once. */
  readonly count: number;
  readonly ports: Readonly<Record<Door, number>>;
}

export interface RudeReport {
  opened: number;
  /** Now, and most at the same time. */
  open: number;
  atOnce: number;
  /** By manner: connections that the ingester ended. */
  readonly endedByOther: Readonly<Record<string, number>>;
}

export type Door = 'mqtt' | 'https' | 'console';

export interface Manner {
  readonly name: string;
  readonly to: Door;
  /** What it sends at first, and then again and again. */
  readonly first?: Buffer;
  readonly drip?: Buffer;
  /** What it does after that; by default it stays. */
  readonly leaves?: 'end' | 'reset';
  /** The ingester ends it at once, or it goes by itself. */
  readonly isBrief?: true;
}

/** A packet that may be sent, of which too little comes. */
const whole = publishPacket({
  topic: 'bondline/v1/zSlow/up',
  id: 1,
  payload: Buffer.alloc(60_000, 0x61),
});
const part = Buffer.concat([connectPacket, whole.subarray(0, 20_000)]);
const tooLarge = publishPacket({
  topic: 'bondline/v1/zLarge/up',
  id: 1,
  payload: Buffer.alloc(1_200_000, 0x61),
});
const request = Buffer.from('GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\n');
const upload = Buffer.from(
  'POST /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000000000\r\n\r\n',
);
/** The record and handshake headers of a ClientHello (RFC 8446 §4) that announce 512 bytes. */
const hello = Buffer.concat([Buffer.from('1603010200010001fc0303', 'hex'), Buffer.alloc(100, 7)]);
const letter = Buffer.from('a');

export const SILENT_MQTT = 'mqtt-silent';

export const manners: readonly Manner[] = [
  { name: SILENT_MQTT, to: 'mqtt' },
  { name: 'mqtt-slow', to: 'mqtt', first: part, drip: letter },
  { name: 'mqtt-half-open', to: 'mqtt', first: connectPacket, leaves: 'end', isBrief: true },
  { name: 'mqtt-announced', to: 'mqtt', first: fixedHeader(0x10, 268_435_455), isBrief: true },
  {
    name: 'mqtt-large',
    to: 'mqtt',
    first: Buffer.concat([connectPacket, tooLarge]),
    isBrief: true,
  },
  { name: 'mqtt-reset', to: 'mqtt', first: part, leaves: 'reset', isBrief: true },
  { name: 'mqtt-truncated', to: 'mqtt', first: part, leaves: 'end', isBrief: true },
  { name: 'mqtt-slow-connect', to: 'mqtt', first: Buffer.from('10', 'hex') },
  { name: 'https-silent', to: 'https' },
  { name: 'https-slow', to: 'https', first: hello, drip: Buffer.from([7]) },
  { name: 'https-noise', to: 'https', first: Buffer.alloc(20_000, 0xa5), isBrief: true },
  { name: 'https-reset', to: 'https', first: hello, leaves: 'reset', isBrief: true },
  { name: 'https-truncated', to: 'https', first: hello, leaves: 'end', isBrief: true },
  { name: 'console-silent', to: 'console' },
  { name: 'console-slow', to: 'console', first: request, drip: Buffer.from('X-A: b\r\n') },
  {
    name: 'console-headers',
    isBrief: true,
    to: 'console',
    first: Buffer.concat([request, Buffer.from(`X-A: ${'b'.repeat(100_000)}\r\n`)]),
  },
  {
    name: 'console-body',
    to: 'console',
    first: Buffer.concat([upload, Buffer.alloc(1_000_000)]),
    isBrief: true,
  },
  { name: 'console-reset', to: 'console', first: request, leaves: 'reset', isBrief: true },
  { name: 'console-truncated', to: 'console', first: request, leaves: 'end', isBrief: true },
];
