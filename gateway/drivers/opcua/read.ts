/** Reads points once over an open link, for commands that look and do not store. */
import { limits } from '../../../devices/limits.ts';
import type { Sample } from '../../../devices/reading.ts';
import type { DriverContext, SampleSet } from '../../driver.ts';
import { deadline } from '../deadline.ts';
import type { Link } from './link.ts';
import { chunks } from './nodes.ts';
import { sampleOfValue } from './value.ts';

/** OPC 10000-4 §5.10.2: the attribute that holds a variable's value. */
const VALUE = 13;

/**
 * Values of the variables among `points`. A field of an event cannot be read: it is a bad sample
 * with status `opcua:event-field`, so that an operator sees why nothing is there.
 */
export async function readOnce(options: {
  readonly context: DriverContext;
  readonly link: Link;
  readonly points: readonly string[];
  /** The link gave no answer; it is not to be used again. */
  readonly onFailure: (error: unknown) => void;
}): Promise<SampleSet> {
  const { context, link } = options;
  const { clock } = context;
  const wanted = new Set(options.points);
  const samples: Sample[] = [];
  for (const { fields } of link.nodes.events) {
    for (const { point } of fields)
      if (wanted.has(point)) samples.push(eventField(point, clock.nowMs()));
  }
  const missing = link.nodes.absent.filter((point) => wanted.has(point));
  const variables = link.nodes.variables.filter(({ point }) => wanted.has(point));
  let cause: 'refused' | 'timeout' = 'refused';
  for (const chunk of chunks(variables, limits.opcuaNodesPerCall)) {
    try {
      const asked = chunk.map(({ nodeId }) => ({ nodeId, attributeId: VALUE }));
      const work = link.session.read(asked);
      const values = await deadline(clock, limits.opcuaRequestMs, 'reading values', work);
      const gatewayTimeMs = clock.nowMs();
      for (const [index, { point }] of chunk.entries()) {
        const value = values[index];
        if (value) samples.push(sampleOfValue(point, value, gatewayTimeMs));
        else missing.push(point);
      }
    } catch (error) {
      options.onFailure(error);
      cause = 'timeout';
      missing.push(...chunk.map(({ point }) => point));
    }
  }
  if (missing.length === 0) return { samples };
  return { samples, missing: { points: missing, cause } };
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
