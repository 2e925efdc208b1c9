/**
 * A line between a gateway and a broker that lies in both directions: it drops, repeats and
 * reorders what passes, acknowledges what it took away, and makes receipts of its own. It writes
 * down every batch that left the gateway.
 */
import { connect, createServer, type Socket } from 'node:net';
import { signTokenNow } from '../../../devices/credential/jws.ts';
import type { Receipt } from '../../../devices/credential/receipt.ts';
import { composeReceipt } from '../../../devices/credential/receipt-wire.ts';
import { isPacked, unpackToken } from '../../../devices/credential/wire-pack.ts';
import { credentialDigest, receiptTopic } from '../../../devices/envelope.ts';
import { keyIdOfDid } from '../../../devices/identity/did-key.ts';
import type { Chance } from '../../sim/chance.ts';
import { memorySigner } from '../../support/identity.ts';
import { packetReader } from '../disk/wire-tap.ts';
import {
  packetTypes,
  pubackId,
  pubackPacket,
  publishPacket,
  readPublish,
  typeOf,
} from './mqtt-packets.ts';

export interface LyingLine {
  /** Address for the gateway's configuration. */
  readonly url: string;
  /** How often it lied, in sum and by kind of lie. */
  told(): number;
  readonly lies: Readonly<Record<string, number>>;
  /** Digests of the batches that left the gateway. */
  readonly left: ReadonlySet<string>;
  /** Digests that a receipt called accepted, as it left the ingester. */
  readonly accepted: ReadonlySet<string>;
  /** Digests of batches about which somebody else signed a receipt that reached the gateway. */
  readonly forged: ReadonlySet<string>;
  /** From now on everything passes as it came, over new connections. */
  honest(): void;
  close(): Promise<void>;
}

/** What it does with a packet, with which probability; the rest passes. */
type Lies = Readonly<Record<string, number>>;

const BATCH_LIES = {
  'batch-taken': 0.12,
  'batch-lost': 0.03,
  'batch-twice': 0.08,
  'batch-late': 0.08,
};
const PUBACK_LIES = { 'puback-lost': 0.04, 'puback-twice': 0.08, 'puback-of-another': 0.08 };
const RECEIPT_LIES = {
  ...{ 'receipt-lost': 0.08, 'receipt-twice': 0.08, 'receipt-late': 0.08, 'receipt-old': 0.08 },
  ...{ 'receipt-forged': 0.12, 'receipt-changed': 0.06, 'receipt-of-another': 0.08 },
};

/** Connections are cut after so many lies: what was taken away is then sent again at once. */
const LIES_A_CONNECTION = 60;
/** What is late passes behind so many others, or after this long. */
const LATE_BY = 3;
const LATE_MS = 150;
const OLD_KEPT = 64;

export async function openLyingLine(options: {
  /** Address of the broker. */
  readonly target: string;
  /** DID of the ingester, in whose name it forges. */
  readonly ingester: string;
  readonly chance: Chance;
}): Promise<LyingLine> {
  const { chance, ingester } = options;
  const { hostname: host, port } = new URL(options.target);
  const lies: Record<string, number> = {};
  const [left, accepted, forged] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const sockets = new Set<Socket>();
  /** Receipts that passed, to be shown once more. */
  const old: Buffer[] = [];
  const stranger = memorySigner();
  // A forger names the ingester's key, which he has not got.
  const forger = { ...stranger, keyId: keyIdOfDid(ingester), sign: stranger.sign.bind(stranger) };
  let isHonest = false;
  let told = 0;

  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const pick = (some: Lies): string | undefined => {
    if (isHonest) return undefined;
    let rest = chance.fraction();
    for (const [name, share] of Object.entries(some)) {
      rest -= share;
      if (rest >= 0) continue;
      told += 1;
      lies[name] = (lies[name] ?? 0) + 1;
      if (told % LIES_A_CONNECTION === 0) setImmediate(cut);
      return name;
    }
    return undefined;
  };
  const forge = (gateway: string, digests: readonly string[]): Buffer => {
    for (const digest of digests) forged.add(digest);
    const outcome = chance.happens(0.7) ? 'accepted' : 'refused';
    const placed = { position: chance.between(0, 10_000), leaf: '00'.repeat(32) };
    const payload = composeReceipt({
      ...{ issuer: ingester, gateway, issuedMs: Date.now() },
      results: digests.map((digest) =>
        outcome === 'accepted'
          ? { digest, outcome, ...placed }
          : { digest, outcome, code: 'VC_SCHEMA' },
      ),
    });
    return Buffer.from(signTokenNow({ payload, signer: forger, typ: 'bondline-receipt+jwt' }));
  };

  /** What the gateway sends. */
  const upward = (near: Socket, far: Socket) => {
    const pass = lateLine(far);
    return packetReader((packet) => {
      if (typeOf(packet) !== packetTypes.publish) return pass.now(packet);
      const { id = 0, payload, topic } = readPublish(packet);
      const digest = credentialDigest(tokenOf(payload));
      left.add(digest);
      const gateway = topic.split('/').at(-2) ?? '';
      const lie = pick(BATCH_LIES);
      if (lie === undefined) return pass.now(packet);
      if (lie === 'batch-late') return pass.late(packet);
      if (lie === 'batch-twice') {
        pass.now(packet);
        return pass.late(packet);
      }
      // Taken: acknowledged and gone, and a receipt of a forger says that it is safe.
      if (lie === 'batch-lost') return;
      near.write(pubackPacket(id));
      near.write(receiptPacket(gateway, forge(gateway, [digest])));
    });
  };

  /** What the broker sends. */
  const downward = (near: Socket) => {
    const pass = lateLine(near);
    const puback = (packet: Buffer) => {
      const lie = pick(PUBACK_LIES);
      if (lie === 'puback-lost') return;
      pass.now(packet);
      if (lie === 'puback-twice') pass.now(packet);
      if (lie === 'puback-of-another') pass.now(pubackPacket(1 + (pubackId(packet) % 65_535)));
    };
    const receipt = (packet: Buffer) => {
      const { payload, topic } = readPublish(packet);
      const gateway = topic.split('/').at(-2) ?? '';
      const said = resultsOf(payload);
      for (const { digest, outcome } of said) if (outcome === 'accepted') accepted.add(digest);
      const lie = pick(RECEIPT_LIES);
      old.push(payload);
      if (old.length > OLD_KEPT) old.shift();
      if (lie === 'receipt-lost') return;
      if (lie === 'receipt-late') return pass.late(packet);
      if (lie === 'receipt-changed') return pass.now(receiptPacket(gateway, changed(payload)));
      const waiting = chance.pick([...left].slice(-40));
      if (lie === 'receipt-forged') pass.now(receiptPacket(gateway, forge(gateway, [waiting])));
      if (lie === 'receipt-of-another') {
        const other = stranger.did.slice('did:key:'.length);
        pass.now(receiptPacket(gateway, forge(other, [waiting])));
      }
      if (lie === 'receipt-old') pass.now(receiptPacket(gateway, chance.pick(old)));
      if (lie === 'receipt-twice') pass.late(receiptPacket(gateway, payload));
      pass.now(packet);
    };
    return packetReader((packet) => {
      const type = typeOf(packet);
      if (type === packetTypes.puback) puback(packet);
      else if (type === packetTypes.publish) receipt(packet);
      else pass.now(packet);
    });
  };

  const server = createServer((near) => {
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
    near.on('data', upward(near, far));
    far.on('data', downward(near));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  return {
    url: `mqtt://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    ...{ lies, left, accepted, forged },
    told: () => told,
    honest() {
      isHonest = true;
      cut();
    },
    async close() {
      cut();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Writes packets, some of them behind others that came later. */
function lateLine(socket: Socket) {
  const waiting: { packet: Buffer; behind: number }[] = [];
  const write = (packet: Buffer) => {
    if (!socket.destroyed) socket.write(packet);
  };
  const flush = (all: boolean) => {
    while (waiting[0] && (all || waiting[0].behind <= 0)) write(waiting.shift()?.packet as Buffer);
  };
  return {
    now(packet: Buffer) {
      write(packet);
      for (const one of waiting) one.behind -= 1;
      flush(false);
    },
    late(packet: Buffer) {
      waiting.push({ packet, behind: LATE_BY });
      setTimeout(() => flush(true), LATE_MS);
    },
  };
}

/** QoS 0, so that the broker sees no answer to what it never sent. */
function receiptPacket(gateway: string, payload: Buffer): Buffer {
  return publishPacket({ topic: receiptTopic(gateway), payload });
}

function tokenOf(payload: Buffer): Uint8Array {
  return isPacked(payload) ? (unpackToken(payload) ?? payload) : payload;
}

/** What a receipt says, unverified. */
function resultsOf(token: Buffer): Receipt['results'] {
  const [, payload = ''] = token.toString('latin1').split('.');
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as Receipt).results;
}

/** The same receipt, genuinely signed, which says the opposite. */
function changed(token: Buffer): Buffer {
  const [head, payload = '', signature] = token.toString('latin1').split('.');
  const text = Buffer.from(payload, 'base64url').toString();
  const other = text.includes('"accepted"')
    ? text.replaceAll('"accepted"', '"refused"')
    : text.replaceAll('"refused"', '"accepted"').replaceAll('"held"', '"accepted"');
  return Buffer.from(`${head}.${Buffer.from(other).toString('base64url')}.${signature}`);
}
