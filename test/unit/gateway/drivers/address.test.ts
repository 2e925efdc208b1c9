import { expect, it } from 'vitest';
import { mistakeOfAddress } from '../../../../gateway/drivers/address.ts';
import { mqttDriver } from '../../../../gateway/drivers/mqtt.ts';
import { opcuaDriver } from '../../../../gateway/drivers/opcua.ts';
import { sparkplugDriver } from '../../../../gateway/drivers/sparkplug.ts';
import { testSettings } from '../../../support/opcua-device.ts';

it.each(['mqtt://yard', 'mqtts://[::1]:8883', 'opc.tcp://192.0.2.10:65535/UA', 'mqtt://h:0'])(
  '%s is an address',
  (url) => expect(mistakeOfAddress(url)).toBeUndefined(),
);

it.each(['://h:65536', '://h:mqtt', '://[::1', '://h:-1'])('a scheme and %s is none', (rest) => {
  const broker = `mqtt${rest}`;
  const sparkplug = { url: broker, hostId: 'h', group: 'g', edgeNode: 'e' };
  for (const mistakes of [
    mqttDriver.check({ url: broker, topic: 'yard' }, {}),
    sparkplugDriver.check(sparkplug, {}),
    opcuaDriver.check(testSettings(`opc.tcp${rest}`), {}),
  ]) {
    const message = expect.stringContaining('a port from 0 to 65535');
    expect(mistakes).toEqual([{ path: ['url'], message }]);
  }
});
