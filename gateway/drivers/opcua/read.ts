/**
 * Reads points once over an open link: for devices that are polled, for commands that look and do
 * not store, and for the watchdog.
 */
import { limits } from '../../../devices/limits.ts';
import type { Sample } from '../../../devices/reading.ts';
import type { DriverContext, SampleSet } from '../../driver.ts';
import { chunks } from './calls.ts';
import type { ItemPlan, ValueItem } from './plan.ts';
import { type ReadTarget, readAttributes, type ServiceContext } from './services.ts';
import { sampleOfValue, type WireDataValue } from './value.ts';

/** OPC 10000-4 §5.10.2: the attribute that holds a variable's value. */
const VALUE = 13;

/**
 * Values of the variables among `points`. A field of an event cannot be read: it is a bad sample
 * with status `opcua:event-field`, so that an operator sees why nothing is there.
 */
export async function readOnce(options: {
  readonly context: DriverContext;
  readonly services: ServiceContext;
  readonly plan: ItemPlan;
  readonly points: readonly string[];
  /** The link gave no answer; it is not to be used again. */
  readonly onFailure: (error: unknown) => void;
}): Promise<SampleSet> {
  const { plan, services } = options;
  const { clock } = options.context;
  const wanted = new Set(options.points);
  const samples: Sample[] = [];
  for (const { points } of plan.events) {
    for (const point of points) {
      if (wanted.has(point)) samples.push(eventField(point, clock.nowMs()));
    }
  }
  const missing = plan.absent.filter((point) => wanted.has(point));
  const asked = plan.values.filter(({ parts }) => parts.some(({ point }) => wanted.has(point)));
  let cause: 'refused' | 'timeout' = 'refused';
  for (const chunk of chunks(asked, limits.opcuaNodesPerCall)) {
    const pointsOf = ({ parts }: ValueItem) =>
      parts.filter(({ point }) => wanted.has(point)).map(({ point }) => point);
    try {
      const values = await readValues(services, chunk);
      const gatewayTimeMs = clock.nowMs();
      for (const [index, item] of chunk.entries()) {
        const value = values[index];
        if (!value) missing.push(...pointsOf(item));
        for (const part of value ? item.parts : []) {
          if (!wanted.has(part.point) || !value) continue;
          samples.push(sampleOfValue(part, value, gatewayTimeMs, plan.types));
        }
      }
    } catch (error) {
      options.onFailure(error);
      cause = 'timeout';
      missing.push(...chunk.flatMap(pointsOf));
    }
  }
  if (missing.length === 0) return { samples };
  return { samples, missing: { points: missing, cause } };
}

/** Answers of a server that cannot cut an element out of a value. */
const NO_RANGE = /^Bad(IndexRange|NotSupported)/;

/** The values of items; one that the server cannot cut an element out of is read whole. */
export async function readValues(
  services: ServiceContext,
  items: readonly ValueItem[],
): Promise<(WireDataValue | undefined)[]> {
  const targets = items.map(({ nodeId, indexRange }): ReadTarget => {
    const target = { nodeId, attributeId: VALUE };
    return indexRange === undefined ? target : { ...target, indexRange };
  });
  const values = [...(await readAttributes(services, targets))];
  const whole = targets.flatMap(({ nodeId, attributeId, indexRange }, index) => {
    const refused = NO_RANGE.test(values[index]?.statusCode.name ?? '');
    return indexRange !== undefined && refused ? [{ index, target: { nodeId, attributeId } }] : [];
  });
  if (whole.length === 0) return values;
  const again = await readAttributes(
    services,
    whole.map(({ target }) => target),
  );
  for (const [at, { index }] of whole.entries()) {
    const value = again[at];
    if (value) values[index] = value;
  }
  return values;
}

function eventField(point: string, gatewayTimeMs: number): Sample {
  return {
    point,
    rawHex: '',
    encoding: { type: 'string', order: 'ABCD' },
    quality: 'bad',
    status: 'opcua:event-field',
    gatewayTimeMs,
  };
}
