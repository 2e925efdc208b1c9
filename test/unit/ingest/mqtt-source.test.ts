/** What only the client of a broker elsewhere promises, with a broker that no library plays. */
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { fingerprintOfDid, uplinkTopic } from '../../../devices/envelope.ts';
import { limits } from '../../../devices/limits.ts';
import { silentLog, systemClock } from '../../../devices/runtime.ts';
import { createRates } from '../../../ingest/rates.ts';
import type { ReceiveStages } from '../../../ingest/receive.ts';
import { createReceive } from '../../../ingest/receive.ts';
import type { OpenSource, SourceContext } from '../../../ingest/source.ts';
import { mqtt } from '../../../ingest/sources/mqtt.ts';
import type { Uplink } from '../../../ingest/uplink.ts';
import { eventually } from '../../support/eventually.ts';
import { memorySigner } from '../../support/identity.ts';
import { manualClock } from '../../support/manual-clock.ts';

let server: Server | undefined;
let source: OpenSource | undefined;
afterEach(async () => {
  await source?.close();
  await new Promise((resolve) => server?.close(resolve));
});

const CONNACK = Buffer.from('20020000', 'hex');
/** SUBACK for the packet identifier of the SUBSCRIBE that came. */
const subackOf = (bytes: Buffer) => Buffer.from([0x90, 3, bytes[2] ?? 0, bytes[3] ?? 0, 1]);

it('ends a connection on which the broker announces a packet beyond the bound', async () => {
  const sockets: Socket[] = [];
  let tooLarge = 0;
  let flooded = 0;
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      if (bytes[0] === 0x10) socket.write(CONNACK);
      if ((bytes[0] ?? 0) !== 0x82) return;
      socket.write(subackOf(bytes));
      // PUBLISH of 256 MiB, and as much of it as the other side takes.
      socket.write(Buffer.from('32ffffff7f', 'hex'));
      const more = () => {
        while (!socket.destroyed && flooded < 256 * 2 ** 20) {
          flooded += 64 * 1024;
          if (!socket.write(Buffer.alloc(64 * 1024))) break;
        }
      };
      socket.on('drain', more);
      more();
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  source = await mqtt.open(
    { url: `mqtt://127.0.0.1:${port}` },
    {
      ...{ clock: systemClock, log: silentLog, resolvePath: (path: string) => path },
      receive: () => undefined,
      tooLarge: () => {
        tooLarge += 1;
      },
    },
  );
  await eventually(() => tooLarge > 0 && sockets[0]?.destroyed, 'the end of the connection');
  // What the kernel holds, and no more.
  expect(flooded).toBeLessThan(32 * 2 ** 20);
  // It goes on with the next connection.
  await eventually(() => sockets.length > 1, 'another connection', limits.reconnectMs * 20);
});

/**
 * A broker that grants the subscription, and lets the test publish and count what is acknowledged.
 */
async function openBroker(context: Partial<SourceContext>) {
  let client: Socket | undefined;
  let acknowledged = 0;
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      if (bytes[0] === 0x10) socket.write(CONNACK);
      if (bytes[0] === 0x82) {
        socket.write(subackOf(bytes));
        client = socket;
      }
      // A receipt of ours, which is short: PUBACK with its packet identifier.
      if (bytes[0] === 0x32) {
        const at = 4 + bytes.readUInt16BE(2);
        socket.write(Buffer.concat([Buffer.from('4002', 'hex'), bytes.subarray(at, at + 2)]));
      }
      // A PUBACK has four bytes; several may come at once.
      if (bytes[0] === 0x40) acknowledged += bytes.length / 4;
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  source = await mqtt.open(
    { url: `mqtt://127.0.0.1:${port}` },
    {
      ...{ clock: systemClock, log: silentLog, resolvePath: (path: string) => path },
      receive: () => undefined,
      ...context,
    },
  );
  let published = 0;
  return {
    publish(gateway: string, payload: Uint8Array) {
      published += 1;
      const topic = Buffer.from(uplinkTopic(gateway));
      const rest = Buffer.concat([
        Buffer.from([topic.length >> 8, topic.length & 0xff]),
        topic,
        Buffer.from([published >> 8, published & 0xff]),
        payload,
      ]);
      const length: number[] = [];
      for (let left = rest.length; ; left >>= 7) {
        length.push(left > 0x7f ? (left & 0x7f) | 0x80 : left);
        if (left <= 0x7f) break;
      }
      client?.write(Buffer.concat([Buffer.from([0x32, ...length]), rest]));
    },
    acknowledged: () => acknowledged,
  };
}

const [debtor, other] = [memorySigner(), memorySigner()].map(({ did }) =>
  fingerprintOfDid(did),
) as [string, string];
const rate = { messagesPerSecond: 1, bytesPerSecond: 2 ** 30 };

/** Receives what the broker brings, at one message a second for each gateway. */
function receiving(changes: Partial<ReceiveStages> = {}) {
  const clock = manualClock();
  const strangers = { messagesPerSecond: 2 ** 20, bytesPerSecond: 2 ** 30 };
  const settings = { gateway: rate, papersPerSecond: 1, stranger: rate, strangers };
  const rates = createRates(clock, settings);
  const taken: string[] = [];
  const receive = createReceive({
    admitter: {
      capacity: 1,
      async admit(chunk) {
        for (const { gateway, length, offset } of chunk.items) {
          taken.push(`${gateway} ${Buffer.from(chunk.buffer, offset, length).toString().trim()}`);
        }
        return { ...chunk, admissions: [], trustPosition: 0 };
      },
    },
    record: async () => [],
    stored: () => {},
    failed: (error) => {
      throw error;
    },
    rates,
    ...changes,
  });
  const of = (gateway: string) =>
    taken.filter((one) => one.startsWith(gateway)).map((one) => one.slice(gateway.length + 1));
  return { clock, rates, receive, of };
}

it('reads on for the others while one gateway behind the broker is in debt', async () => {
  const { clock, of, receive } = receiving();
  const { acknowledged, publish } = await openBroker(receive);
  const sent = Array.from({ length: 30 }, (_, at) => `batch-${at}`);
  for (const name of sent) publish(debtor, Buffer.from(name));
  publish(other, Buffer.from('mine'));
  await eventually(() => of(other).length > 0, 'the batch of the other gateway');
  await eventually(() => acknowledged() === 31, 'an acknowledgement of each');
  // It had a burst, and one more that made the debt.
  expect(of(debtor)).toEqual(sent.slice(0, limits.rateBurstSeconds + 1));
  // What it sent beyond that goes on as it pays, in order.
  for (let second = 0; of(debtor).length < sent.length && second < 60; second += 1) {
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(of(debtor)).toEqual(sent);
});

it('holds no more of a debtor than its bound, and drops the rest to be sent again', async () => {
  const { clock, of, receive } = receiving();
  const { acknowledged, publish } = await openBroker(receive);
  const size = limits.credentialBytesMax;
  const count = limits.rateBurstSeconds + 1 + (2 * limits.debtorBytesMax) / size;
  for (let at = 0; at < count; at += 1) publish(debtor, Buffer.from(`${at}`.padEnd(size)));
  await eventually(() => acknowledged() === count, 'an acknowledgement of each');
  for (let second = 0; second < 60; second += 1) {
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const fits = Math.floor(limits.debtorBytesMax / (size + limits.messageOverheadBytes));
  expect(of(debtor)).toHaveLength(limits.rateBurstSeconds + 1 + fits);
  // Out of debt it is read as before.
  publish(debtor, Buffer.from('again'));
  await eventually(() => of(debtor).includes('again'), 'what it sent again');
});

it('waits with all of them for room that nobody has', async () => {
  let unsigned = limits.receiptsWaitingBytesMax + 1;
  const { of, receive } = receiving({ unsignedBytes: () => unsigned });
  const { acknowledged, publish } = await openBroker(receive);
  publish(debtor, Buffer.from('one'));
  await eventually(() => of(debtor).length > 0, 'the first message');
  publish(other, Buffer.from('two'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect([acknowledged(), of(other)]).toEqual([0, []]);
  unsigned = 0;
  receive.look();
  await eventually(() => acknowledged() === 2 && of(other).length === 1, 'the second message');
});

it('carries receipts out and acknowledges nothing once nothing more is taken', async () => {
  const gateway = fingerprintOfDid(memorySigner().did);
  const taken: string[] = [];
  const broker = await openBroker({
    receive: ({ bytes }) => {
      taken.push(Buffer.from(bytes).toString());
      return new Promise(() => {});
    },
  });
  broker.publish(gateway, Buffer.from('late'));
  await eventually(() => taken.length === 1, 'the message that waits for room');
  let isSent = false;
  const sent = source?.reply(gateway, Buffer.from('a')).then(() => {
    isSent = true;
  });
  // It cannot be known to have arrived while a message before it waits.
  await systemClock.sleep(50);
  expect(isSent).toBe(false);
  source?.rest?.();
  await sent;
  broker.publish(gateway, Buffer.from('later'));
  await source?.reply(gateway, Buffer.from('b'));
  expect(taken).toEqual(['late']);
  expect(broker.acknowledged()).toBe(0);
});

it('says that a gateway is known which the broker has proven and an enrolment allows', async () => {
  const { of, rates, receive } = receiving();
  const known: string[] = [];
  const uplink = { isAllowed: (did: string) => did === `did:key:${other}` } as Uplink;
  const know = (gateway: string) => {
    known.push(gateway);
    rates.know(gateway);
  };
  const { publish } = await openBroker({ ...receive, uplink, known: know });
  publish(debtor, Buffer.from('rubbish'));
  publish(other, Buffer.from('rubbish'));
  await eventually(() => of(other).length > 0, 'what is not a batch');
  expect(known).toEqual([other]);
  expect(of(debtor)).toEqual([]);
});
