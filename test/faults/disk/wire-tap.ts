/**
 * A proxy on the line between gateway and ingester that writes down what passes: every credential
 * that left the gateway, and every receipt that came back. It can also lose what leaves, so that
 * the gateway's outbox is the only place where it is.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Receipt } from '../../../devices/credential/receipt.ts';
import { isPacked, unpackToken } from '../../../devices/credential/wire-pack.ts';
import { credentialDigest } from '../../../devices/envelope.ts';

export interface WireTap {
  /** Address for the gateway's configuration. */
  readonly url: string;
  /** Digests of the credentials that left the gateway, in the order in which they first did. */
  readonly left: ReadonlySet<string>;
  /** Digests that a receipt called accepted, as it left the ingester. */
  readonly accepted: ReadonlySet<string>;
  /** From now on what the gateway publishes is written down and lost, or passes again. */
  swallow(on: boolean): void;
  /** Resolves when something more has left, or has been receipted. */
  more(of: 'left' | 'accepted', timeoutMs?: number): Promise<boolean>;
  close(): Promise<void>;
}

/** Stands before the broker at `target` (`mqtt://127.0.0.1:PORT`). */
export async function openWireTap(target: string): Promise<WireTap> {
  const left = new Set<string>();
  const accepted = new Set<string>();
  const sockets = new Set<Socket>();
  let isSwallowing = false;
  const { hostname: host, port } = new URL(target);
  const server: Server = createServer((near) => {
    const far = connect({ host, port: Number(port) });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    const sent = packetReader((packet, payload) => {
      if (payload !== undefined) left.add(credentialDigest(tokenOf(payload)));
      if (payload === undefined || !isSwallowing) far.write(packet);
    });
    const received = packetReader((packet, payload) => {
      for (const digest of payload === undefined ? [] : acceptedIn(payload)) accepted.add(digest);
      near.write(packet);
    });
    near.on('data', sent);
    far.on('data', received);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `mqtt://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    left,
    accepted,
    swallow(on) {
      isSwallowing = on;
      if (!on) cutAll();
    },
    async more(of, timeoutMs = 10_000) {
      const counted = of === 'left' ? left : accepted;
      const before = counted.size;
      for (let waitedMs = 0; counted.size === before && waitedMs < timeoutMs; waitedMs += 10) {
        await new Promise((done) => setTimeout(done, 10));
      }
      return counted.size > before;
    },
    async close() {
      cutAll();
      await new Promise((done) => server.close(done));
    },
  };
}

const PUBLISH = 3;

/**
 * Takes a stream of MQTT 3.1.1 and hands over packet by packet, with the payload of each PUBLISH
 * (section 3.3).
 */
export function packetReader(
  found: (packet: Buffer, payload: Buffer | undefined) => void,
): (chunk: Buffer) => void {
  let kept = Buffer.alloc(0);
  return (chunk) => {
    kept = Buffer.concat([kept, chunk]);
    for (let packet = packetOf(kept); packet !== undefined; packet = packetOf(kept)) {
      const { body, first, size } = packet;
      const whole = kept.subarray(0, size);
      kept = kept.subarray(size);
      const skipped = first >> 4 === PUBLISH ? 2 + body.readUInt16BE(0) : undefined;
      const hasId = ((first >> 1) & 3) > 0;
      const payload = skipped === undefined ? undefined : body.subarray(skipped + (hasId ? 2 : 0));
      found(whole, payload);
    }
  };
}

function packetOf(bytes: Buffer): { first: number; body: Buffer; size: number } | undefined {
  let length = 0;
  for (let at = 1; at <= 4 && at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    length += (byte & 0x7f) * 128 ** (at - 1);
    if (byte >= 0x80) continue;
    const size = at + 1 + length;
    if (bytes.length < size) return undefined;
    return { first: bytes[0] ?? 0, body: bytes.subarray(at + 1, size), size };
  }
  return undefined;
}

/** A token goes over the line as it is, or packed. */
function tokenOf(payload: Buffer): Uint8Array {
  return isPacked(payload) ? (unpackToken(payload) ?? payload) : payload;
}

/** What a receipt accepts, unverified: this is what was told, whoever told it. */
function acceptedIn(token: Buffer): string[] {
  const [, payload = ''] = token.toString('latin1').split('.');
  try {
    const { results } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Receipt;
    return results.filter(({ outcome }) => outcome === 'accepted').map(({ digest }) => digest);
  } catch {
    return [];
  }
}
