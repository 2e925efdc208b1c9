/** A broker of MQTT 3.1.1 only (aedes), as an operator meets it. */
import { afterEach, expect, it } from 'vitest';
import { systemClock } from '../../../../../devices/runtime.ts';
import { mqttDriver } from '../../../../../gateway/drivers/mqtt.ts';
import { memoryLedger } from '../../../../../simulators/ledger.ts';
import { MqttServer } from '../../../../../simulators/servers/mqtt.ts';
import { driverContext, until } from '../../../../support/driver-context.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

it('a broker that does not speak the version says so, and speaks the other', async () => {
  const options = { host: '127.0.0.1', port: 0, clock: systemClock, ledger: memoryLedger() };
  const broker = await MqttServer.start(options);
  closers.push(() => broker.close());
  const open = async (version: number) => {
    const mqtt = { topic: 'count', path: 'n' };
    const points = { n: { summary: 'n', type: 'Dimensionless', unit: 'C62', mqtt } };
    const settings = { url: broker.url, topic: 'yard', version };
    const connection = await mqttDriver.open(settings, points, driverContext(`v${version}`));
    closers.push(() => connection.close());
    await connection.subscribe?.(['n'], async () => undefined);
    return () => connection.state?.();
  };
  const fifth = await open(5);
  await until(() => /version/.test(fifth()?.reason ?? ''));
  expect(fifth()?.reason).toBe(
    'the broker does not speak this version of MQTT: change "version" (code 1)',
  );
  const fourth = await open(4);
  await until(() => fourth()?.up === true);
});
