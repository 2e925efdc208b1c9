/** Every uplink; a configuration names one of these under `uplink.sink`. */
import type { Sink } from '../sink.ts';
import { httpsSink } from './https.ts';
import { mqttSink } from './mqtt.ts';

export const sinks: Readonly<Record<string, Sink>> = {
  https: httpsSink,
  mqtt: mqttSink,
};
