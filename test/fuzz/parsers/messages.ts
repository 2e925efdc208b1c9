/** What devices say over MQTT and Sparkplug: documents, plain values, payloads of edge nodes. */
import { decode as decodeCborg, encode } from 'cborg';
import { limits } from '../../../devices/limits.ts';
import { readCbor } from '../../../gateway/cbor.ts';
import { decode } from '../../../gateway/decode.ts';
import { compileMapping, type PayloadSettings } from '../../../gateway/drivers/mqtt/mapping.ts';
import { readPayload } from '../../../gateway/drivers/mqtt/payload.ts';
import { parseState, stateMessage } from '../../../gateway/drivers/sparkplug/command.ts';
import { decodePayload, encodeRequest } from '../../../gateway/drivers/sparkplug/payload.ts';
import { parseTopic } from '../../../gateway/drivers/sparkplug/topic.ts';
import { arrival, type Places, pointsOf } from '../../support/mqtt-payload.ts';
import * as edge from '../../support/sparkplug-edge.ts';
import { attempt, outcomeOf, type Parser } from '../parser.ts';

const document = {
  time: '2026-11-21T12:00:00Z',
  r: [
    { n: 'v', v: 1.5, t: 1_700_000_000, u: 'CEL' },
    { n: 'v', v: -18, t: 1_700_000_001.25, u: 'FAH' },
  ],
  deep: { er: { v: true } },
};
const pack = [
  { bn: 'urn:dev:', bt: 1_700_000_000, bu: 'Cel', n: 'v', v: 23.1 },
  { n: 'v', t: -5, v: 22.9 },
  { n: 'w', vs: 'open' },
];
const labelled = new Map<number, unknown>([
  [-2, 'urn:dev:'],
  [-3, 1_700_000_000],
  [0, 'v'],
  [2, 23],
]);

type Mapping = readonly [PayloadSettings | undefined, Places];

const documentMappings = (format: 'json' | 'cbor'): Mapping[] => [
  [{ format }, { a: { path: '$..v', optional: true }, b: { path: 'r.0.v' } }],
  [{ format, samples: '$.r[?@.v > 1]', time: '$.t', timeFormat: 'any' }, { v: {} }],
  [{ format, samples: '$.r[*]', name: 'n', value: 'v', unit: 'u' }, { v: {} }],
];

/** What a payload gives by each of these mappings; taken where one finds a value. */
function mqtt(name: string, mappings: readonly Mapping[], seeds: readonly Uint8Array[]): Parser {
  return {
    name,
    prepare: () => {
      const compiled = mappings.map(([settings, places]) => ({
        known: new Set(Object.keys(places)),
        mapping: compileMapping(settings, pointsOf(places)),
      }));
      const parse = (bytes: Uint8Array) =>
        attempt(() => {
          let found = 0;
          for (const { known, mapping } of compiled) {
            const { missing, samples } = readPayload(bytes, mapping, arrival);
            if (samples.length > limits.mqttSamplesMax * known.size) throw new Error('too many');
            for (const { encoding, point, rawHex } of samples) {
              if (!known.has(point)) throw new Error(`a sample of ${point}`);
              decode(rawHex, encoding);
            }
            if (missing?.points.some((point) => !known.has(point))) throw new Error('who is it?');
            found += samples.length;
          }
          return found === 0 ? undefined : found;
        });
      return { seeds: seeds.map((bytes) => ({ bytes })), parse };
    },
  };
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

export const mqttJson = mqtt('mqtt-json', documentMappings('json'), [
  json(document),
  json({ r: [{ n: 'v', v: '21.50', t: '2026-11-21T12:00:00.123Z' }] }),
]);
export const mqttCbor = mqtt('mqtt-cbor', documentMappings('cbor'), [encode(document)]);
export const mqttSenml = mqtt(
  'mqtt-senml',
  [
    [{ senml: true }, { v: { path: 'urn:dev:v' }, w: { path: 'urn:dev:w' } }],
    [{ format: 'cbor', senml: true }, { v: { path: 'urn:dev:v' } }],
  ],
  [json(pack), encode([labelled])],
);
export const mqttPlain = mqtt(
  'mqtt-plain',
  [
    [{ format: 'text' }, { v: { path: '' }, t: { path: '', type: 'bl:Text' } }],
    [{ format: 'binary' }, { v: { path: '3', encoding: { type: 'int32' } } }],
    [{ format: 'binary' }, { v: { path: '0:8', encoding: { type: 'string' } } }],
  ],
  [Buffer.from('-18.25'), Buffer.from('0001020304050607', 'hex'), Buffer.from('true')],
);

/** Every tag stands for what is in it. */
const anyTag = new Proxy({}, { get: () => (inner: () => unknown) => inner(), has: () => true });

export const cbor: Parser = {
  name: 'cbor',
  prepare: () => ({
    seeds: [
      encode(document),
      encode([labelled, 2n ** 64n - 1n, -(2n ** 63n), new Uint8Array(9), null, undefined, 1.5]),
      // Items of unknown length, a half float, a bignum, "this is CBOR".
      Buffer.from('d9d9f79f01bf6161f93e00ffc249010000000000000000ff', 'hex'),
    ].map((bytes) => ({ bytes })),
    parse: (bytes) => outcomeOf(readCbor(bytes)),
    doubt: (bytes, outcome) => {
      if (!outcome.taken) return undefined;
      if (nesting(outcome.value) > limits.jsonDepthMax) return 'it is taken and nested too deep';
      try {
        decodeCborg(bytes, { useMaps: true, rejectDuplicateMapKeys: true, tags: anyTag });
      } catch (error) {
        return `cborg does not take it: ${String(error)}`;
      }
      return undefined;
    },
  }),
};

/** Containers within containers of an item of CBOR. */
function nesting(root: unknown): number {
  let level: unknown[] = [root];
  let depth = -1;
  for (; level.length > 0; depth += 1) {
    level = level.flatMap((item) => {
      const { value } = item as { readonly value: unknown };
      if (value instanceof Map) return [...value.values()];
      return Array.isArray(value) ? value : [];
    });
  }
  return depth;
}

const { type } = edge;
const birth = edge.encode({
  timestamp: 1_795_262_400_000,
  seq: 0,
  metrics: [
    edge.bdSeq(3),
    edge.rebirthMetric,
    {
      name: 'flow',
      alias: 1,
      timestamp: 2n ** 53n,
      datatype: type.double,
      double: 1.5,
      quality: 192,
    },
    { name: 'text', alias: 2, datatype: type.string, text: 'déjà', isHistorical: true },
    { name: 'level', datatype: type.int32, int: -4, isTransient: true },
    { name: 'gone', datatype: type.float, isNull: true, dataset: Buffer.from('0801', 'hex') },
  ],
});

export const sparkplug: Parser = {
  name: 'sparkplug',
  prepare: () => ({
    seeds: [{ bytes: birth }, { bytes: encodeRequest('Node Control/Rebirth', 1) }],
    parse: (bytes) => outcomeOf(decodePayload(bytes)),
    doubt: (_, outcome) => {
      const { metrics } = (outcome.taken ? outcome.value : { metrics: [] }) as {
        readonly metrics: readonly object[];
      };
      return metrics.length > limits.sparkplugMetricsMax ? 'more metrics than allowed' : undefined;
    },
  }),
};

export const sparkplugState: Parser = {
  name: 'sparkplug-state',
  prepare: () => ({
    seeds: [
      { bytes: stateMessage('host', true, 1).payload },
      { bytes: Buffer.from('spBv1.0/plant/DDATA/node/device') },
    ],
    parse: (bytes) => outcomeOf(parseState(bytes) ?? parseTopic(Buffer.from(bytes).toString())),
  }),
};
