/** What lint knows of a point: how it is configured, and the raw words that came. */
import type { ModbusPlace, PointDefinition } from '../../devices/profile.ts';
import type { Encoding } from '../../devices/reading.ts';

/** What came of a point, in the order of the reads. */
export interface PointSeries {
  readonly name: string;
  readonly point: PointDefinition;
  /** As the driver says; absent before the first sample. */
  readonly encoding?: Encoding;
  /** Modbus only, with width and order as the device's settings complete them. */
  readonly place?: ModbusPlace;
  readonly raws: readonly string[];
  /** Why nothing came, where another place could be the reason. */
  readonly failure?: string;
}
