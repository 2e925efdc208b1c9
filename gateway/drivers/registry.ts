/** Every field protocol; a configuration names one of these under `devices[].driver`. */
import type { Driver } from '../driver.ts';
import { modbusDriver } from './modbus.ts';
import { mqttDriver } from './mqtt.ts';
import { opcuaDriver } from './opcua.ts';
import { sparkplugDriver } from './sparkplug.ts';

export const drivers: Readonly<Record<string, Driver>> = {
  modbus: modbusDriver,
  mqtt: mqttDriver,
  opcua: opcuaDriver,
  sparkplug: sparkplugDriver,
};
