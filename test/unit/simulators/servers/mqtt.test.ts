import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import { reefer } from '../../../../devices/profiles/reefer.ts';
import { systemClock } from '../../../../devices/runtime.ts';
import { memoryLedger } from '../../../../simulators/ledger.ts';
import { composeMessage } from '../../../../simulators/servers/json-message.ts';
import { MqttServer } from '../../../../simulators/servers/mqtt.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const TOPIC = 'yard/MSKU9070323/telemetry';

async function yard() {
  const ledger = memoryLedger();
  const server = await MqttServer.start({ host: '127.0.0.1', port: 0, clock: systemClock, ledger });
  closing.push(() => server.close());
  const publish = await server.connect('container-MSKU9070323');
  let count = 0;
  /** Publishes the next message and returns its set point's text. */
  const next = async () => {
    count += 1;
    const message = composeMessage({
      profile: reefer,
      device: 'MSKU9070323',
      timeMs: count,
      values: { setPoint: count },
      decimals: { setPoint: 1 },
    });
    await publish(TOPIC, message);
    return `${count}.0`;
  };
  return { server, ledger, publish, next };
}

async function gateway(server: MqttServer, options: IClientOptions) {
  const client = await connectAsync(server.url, { clientId: 'gateway', ...options });
  closing.push(() => client.endAsync(true));
  const payloads: string[] = [];
  client.on('message', (_, payload) => payloads.push(payload.toString()));
  return { client, payloads };
}

const served = (ledger: { entries: readonly { rawHex: string }[] }) =>
  ledger.entries.map(({ rawHex }) => Buffer.from(rawHex, 'hex').toString());
const received = (payloads: string[]) =>
  payloads.map((text) => /"setPoint":([^,}]*)/.exec(text)?.[1]);

async function subscribed(client: MqttClient) {
  await client.subscribeAsync(TOPIC, { qos: 1 });
}

describe('a value counts as served', () => {
  it('only once somebody has asked for it', async () => {
    const { server, ledger, next } = await yard();
    await next();
    expect(server.published).toBe(1);
    expect(ledger.entries).toEqual([]);
    const { client, payloads } = await gateway(server, { clean: false });
    await subscribed(client);
    const value = await next();
    await expect.poll(() => received(payloads)).toEqual([value]);
    expect(served(ledger)).toEqual([value]);
    expect(ledger.entries[0]).toMatchObject({ device: 'MSKU9070323', point: 'setPoint' });
  });

  it('while the gateway is away, since its session gets it later, in order and once', async () => {
    const { server, ledger, next } = await yard();
    const first = await gateway(server, { clean: false });
    await subscribed(first.client);
    const values = [await next()];
    await expect.poll(() => first.payloads.length).toBe(1);
    await first.client.endAsync();
    for (let index = 0; index < 20; index += 1) values.push(await next());
    expect(served(ledger)).toEqual(values);
    const again = await gateway(server, { clean: false });
    await expect.poll(() => again.payloads.length).toBe(20);
    expect([...received(first.payloads), ...received(again.payloads)]).toEqual(values);
    expect(served(ledger)).toEqual(values);
  });

  it('for a session without memory while it listens, and no longer', async () => {
    const { server, ledger, next } = await yard();
    const { client, payloads } = await gateway(server, { clean: true });
    await subscribed(client);
    const value = await next();
    await expect.poll(() => received(payloads)).toEqual([value]);
    await client.endAsync();
    await next();
    expect(served(ledger)).toEqual([value]);
  });

  it('once, though two sessions get it', async () => {
    const { server, ledger, next } = await yard();
    const one = await gateway(server, { clean: false });
    const two = await gateway(server, { clean: false, clientId: 'other' });
    await subscribed(one.client);
    await subscribed(two.client);
    const value = await next();
    await expect.poll(() => one.payloads.length + two.payloads.length).toBe(2);
    expect(served(ledger)).toEqual([value]);
  });
});

describe('a message', () => {
  const values = {
    setPoint: -18.25,
    supplyAirTemperature: -0.001,
    doorOpen: false,
    latitude: 31.5,
  };
  const decimals = { setPoint: 2, supplyAirTemperature: 2, latitude: 6 };
  const message = composeMessage({
    profile: reefer,
    device: 'X "1"',
    timeMs: 1_769_898_600_000,
    values,
    decimals,
  });

  it('is the profile in JSON, with the time of the sample', () => {
    expect(message.payload).toBe(
      '{"deviceId":"X \\"1\\"","time":"2026-01-31T22:30:00.000Z",' +
        '"reefer":{"setPoint":-18.25,"supplyTemperature":0.00,"doorOpen":false},' +
        '"position":{"latitude":31.500000}}',
    );
    expect(JSON.parse(message.payload).reefer.setPoint).toBe(-18.25);
  });

  it('keeps the text of every value as it stands in the payload', () => {
    expect([...message.tokens]).toEqual([
      ['setPoint', '-18.25'],
      ['supplyAirTemperature', '0.00'],
      ['doorOpen', 'false'],
      ['latitude', '31.500000'],
    ]);
  });

  it('is dropped while the one before is still on its way', async () => {
    const { publish } = await yard();
    expect(await Promise.all([publish(TOPIC, message), publish(TOPIC, message)])).toEqual([
      true,
      false,
    ]);
    expect(await publish(TOPIC, message)).toBe(true);
  });
});
