import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import { describe, expect, it } from 'vitest';
import { fingerprintOfDid, receiptTopic, uplinkTopic } from '../../devices/envelope.ts';
import { mqttSink } from '../../gateway/sinks/mqtt.ts';
import { sinks } from '../../gateway/sinks/registry.ts';
import { type SinkPeer, sinkGateway, testSink } from './sink.ts';

/** A real broker, aedes, on loopback. */
async function aedesPeer(): Promise<SinkPeer> {
  const received: Uint8Array[] = [];
  const sockets = new Set<Socket>();
  let broker: Aedes | undefined;
  let server: Server | undefined;
  let port = 0;
  const fingerprint = fingerprintOfDid(sinkGateway);
  const start = async () => {
    const started = await Aedes.createBroker();
    broker = started;
    started.on('publish', ({ payload, topic }) => {
      if (topic === uplinkTopic(fingerprint)) received.push(Buffer.from(payload));
    });
    const listening = createServer((socket) => {
      sockets.add(socket);
      started.handle(socket);
    });
    server = listening;
    await new Promise<void>((resolve) => listening.listen(port, '127.0.0.1', resolve));
    port = (listening.address() as AddressInfo).port;
  };
  await start();
  return {
    settings: { url: `mqtt://127.0.0.1:${port}` },
    received,
    sendReceipt(bytes) {
      const topic = receiptTopic(fingerprint);
      const packet = { cmd: 'publish', topic, payload: Buffer.from(bytes), qos: 1 } as const;
      broker?.publish({ ...packet, retain: false, dup: false }, () => undefined);
    },
    async stop() {
      const [oldServer, oldBroker] = [server, broker];
      server = undefined;
      broker = undefined;
      for (const socket of sockets) socket.destroy();
      sockets.clear();
      if (oldServer) await new Promise<void>((resolve) => oldServer.close(() => resolve()));
      if (oldBroker) await new Promise<void>((resolve) => oldBroker.close(() => resolve()));
    },
    restart: start,
  };
}

const names = Object.keys(sinks);
it('every registered uplink has its suite', () => {
  expect(names).toEqual(['https', 'mqtt']);
});

testSink(mqttSink, aedesPeer);

describe('settings of the MQTT uplink', () => {
  type Settings = Parameters<NonNullable<typeof mqttSink.check>>[0];
  const check = (settings: Settings, isInvited = false) =>
    mqttSink.check?.(settings, { isInvited })?.map(({ message }) => message);

  it('may do without TLS on this machine only', () => {
    for (const host of ['localhost', '127.0.0.1', '127.4.5.6', '[::1]']) {
      expect(check({ url: `mqtt://${host}:1883` }), host).toEqual([]);
    }
    for (const host of ['10.0.0.1', 'border.example', '127.0.0.1.evil.example', '[::2]']) {
      expect(check({ url: `mqtt://${host}:1883` })?.[0], host).toMatch(/write mqtts/);
    }
  });

  it('need a client certificate beyond this machine, with its key', () => {
    const url = 'mqtts://border.example:8883';
    expect(check({ url })).toHaveLength(1);
    expect(check({ url, certFile: 'c.pem' })?.[0]).toMatch(/go together/);
    expect(check({ url, certFile: 'c.pem', keyFile: 'k.pem' })).toEqual([]);
    expect(check({ url }, true)).toEqual([]);
    const both = check({ url, certFile: 'c.pem', keyFile: 'k.pem' }, true);
    expect(both?.[0]).toMatch(/the invitation brings a certificate/);
  });
});
