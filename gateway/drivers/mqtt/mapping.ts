/**
 * Where the points of one topic stand in its payloads: worked out once, from the settings of the
 * connection and the places of the points, which count for more.
 */
import { strict as assert } from 'node:assert';
import {
  type MqttPlace,
  type PayloadFormat,
  type PlaceEncoding,
  type PointDefinition,
  payloadFormats,
  type TimeFormat,
  timeFormats,
} from '../../../devices/profile.ts';
import { type SchemaMistake, type Static, Type } from '../../../devices/schema.ts';
import {
  compilePath,
  compileQuery,
  isJsonPath,
  mistakeOfPath,
  type Path,
  type Query,
} from './path.ts';
import { mistakeOfSpan, type Span, spanOf } from './plain.ts';

const path = (description: string) =>
  Type.Optional(Type.String({ description, minLength: 1, maxLength: 512 }));

/** The `payload` block of a device's connection. */
export const payloadSettings = Type.Object(
  {
    format: Type.Optional(
      Type.Enum(payloadFormats, {
        description:
          'What a payload is: json, cbor, text (one value a topic) or binary. Default json.',
        default: 'json',
      }),
    ),
    samples: path(
      'JSONPath of the samples in a payload, e.g. $.readings[*] (text). Default: the payload is one sample.',
    ),
    time: path(
      'Path of the time in each sample (text). Default: its members time (RFC 3339) or timeMs, else those of the payload.',
    ),
    timeFormat: Type.Optional(
      Type.Enum(timeFormats, {
        description:
          'How that time is written: rfc3339; s, ms, us or ns since 1970; or any of them. Default rfc3339.',
        default: 'rfc3339',
      }),
    ),
    name: path(
      'Path of the name in each sample, where samples name their points; a point’s path is then its name (text).',
    ),
    value: path('With "name": path of the value in each sample (text). Default value.'),
    unit: path(
      'Path, in each sample, of the text that says the unit; another unit than the profile’s makes a bad value (text).',
    ),
    senml: Type.Optional(
      Type.Boolean({
        description:
          'Payloads are SenML packs (RFC 8428), JSON or CBOR; a point’s path is its name. Default false.',
        default: false,
      }),
    ),
  },
  {
    additionalProperties: false,
    description: 'How payloads are read where the profile does not say it. Default: as JSON.',
  },
);

export type PayloadSettings = Static<typeof payloadSettings>;

/** A point with all that is needed to find it in a sample. */
export interface MappedPoint {
  readonly point: string;
  readonly find: Path;
  /** Where samples name their points. */
  readonly name: string;
  readonly optional: boolean;
  readonly encoding?: PlaceEncoding;
  /** Rec 20 code of the profile. */
  readonly unit: string;
  readonly findUnit?: Path;
  /** Whether a plain text is kept as text, not read as a number. */
  readonly isText: boolean;
  /** The bytes of a binary payload. */
  readonly span: Span;
}

/** Points that stand in the same samples of a payload. */
export interface Reader {
  readonly format: PayloadFormat;
  readonly samples?: Query;
  readonly time?: Path;
  readonly timeFormat: TimeFormat;
  readonly senml: boolean;
  readonly named?: { readonly name: Path; readonly value: Path };
  readonly points: readonly MappedPoint[];
}

/** Everything that is to be read from the payloads of one topic. */
export interface PayloadMapping {
  readonly points: readonly string[];
  readonly readers: readonly Reader[];
}

type Points = Readonly<Record<string, PointDefinition>>;

/**
 * Compiles the mapping of one topic. `points` are those of the topic; `mistakesOfMapping` has
 * found nothing wrong.
 */
export function compileMapping(
  settings: PayloadSettings | undefined,
  points: Points,
): PayloadMapping {
  const groups = new Map<string, { readonly reader: Reader; readonly points: MappedPoint[] }>();
  for (const [point, definition] of Object.entries(points)) {
    const place = definition.mqtt;
    assert(place, `${point} has no mqtt place`);
    const { format = settings?.format ?? 'json', samples = settings?.samples } = place;
    const time = place.time ?? settings?.time;
    const timeFormat = place.timeFormat ?? settings?.timeFormat ?? 'rfc3339';
    const key = JSON.stringify([format, samples, time, timeFormat]);
    let group = groups.get(key);
    if (group === undefined) {
      const mapped: MappedPoint[] = [];
      const reader: Reader = {
        format,
        timeFormat,
        senml: settings?.senml === true,
        ...(samples !== undefined && { samples: compileQuery(samples) }),
        ...(time !== undefined && { time: compilePath(time) }),
        ...(settings?.name !== undefined && {
          named: {
            name: compilePath(settings.name),
            value: compilePath(settings.value ?? 'value'),
          },
        }),
        points: mapped,
      };
      group = { reader, points: mapped };
      groups.set(key, group);
    }
    group.points.push(mapPoint(point, definition, place, settings));
  }
  return {
    points: Object.keys(points),
    readers: [...groups.values()].map(({ reader }) => reader),
  };
}

function mapPoint(
  point: string,
  { type, unit }: PointDefinition,
  place: MqttPlace,
  settings: PayloadSettings | undefined,
): MappedPoint {
  const isDocument = hasPaths(place, settings);
  const isBinary = (place.format ?? settings?.format) === 'binary';
  const unitPath = place.unit ?? settings?.unit;
  return {
    point,
    find: compilePath(isDocument ? place.path : ''),
    name: place.path,
    optional: place.optional === true,
    ...(place.encoding !== undefined && { encoding: place.encoding }),
    unit,
    ...(unitPath !== undefined && { findUnit: compilePath(unitPath) }),
    isText: place.encoding?.type === 'string' || type === 'bl:Text' || type === 'bl:Identifier',
    span: isBinary ? spanOf(place.path, place.encoding) : { offset: 0 },
  };
}

/** Whether a point's path leads into a document; else it is a name or a place in plain bytes. */
function hasPaths({ format }: MqttPlace, settings: PayloadSettings | undefined): boolean {
  const whole = format ?? settings?.format ?? 'json';
  return (whole === 'json' || whole === 'cbor') && settings?.name === undefined && !settings?.senml;
}

/** What a configuration or profile gets wrong, as sentences for an operator. */
export function mistakesOfMapping(
  settings: PayloadSettings | undefined,
  points: Points,
): SchemaMistake[] {
  const wrong = [
    ...['samples', 'time', 'name', 'value', 'unit'].flatMap((key) => {
      const text = settings?.[key as 'samples' | 'time' | 'name' | 'value' | 'unit'];
      const message = text && mistakeOfPart(key, text);
      return message ? [{ path: ['payload', key], message: `"${text}": ${message}` }] : [];
    }),
    ...mistakesTogether(settings),
  ];
  return [
    ...wrong,
    ...Object.entries(points).flatMap(([name, { mqtt }]) => {
      const message = mqtt && mistakeOfPlace(mqtt, settings);
      return message ? [{ path: [], message: `point ${name} ${message}` }] : [];
    }),
  ];
}

function mistakeOfPart(key: string, text: string): string | undefined {
  const mustSelect = key === 'samples' && !isJsonPath(text);
  return mustSelect ? 'write a JSONPath that begins with $, e.g. $[*]' : mistakeOfPath(text);
}

function mistakesTogether(settings: PayloadSettings | undefined): SchemaMistake[] {
  if (settings === undefined) return [];
  const say = (key: string, message: string) => [{ path: ['payload', key], message }];
  if (settings.value !== undefined && settings.name === undefined) {
    return say('value', '"value" needs "name": the path of the name in each sample');
  }
  if (settings.senml && (settings.name ?? settings.time ?? settings.unit) !== undefined) {
    return say('senml', 'SenML says itself where name, time and unit stand; leave them out');
  }
  const isPlain = settings.format === 'text' || settings.format === 'binary';
  if (isPlain && (settings.senml || (settings.samples ?? settings.name) !== undefined)) {
    return say('format', `${settings.format} has one sample a message, and no names`);
  }
  return [];
}

function mistakeOfPlace(
  place: MqttPlace,
  settings: PayloadSettings | undefined,
): string | undefined {
  const format = place.format ?? settings?.format ?? 'json';
  const shown = `has the path "${place.path}"`;
  if (format === 'text') {
    return place.path === '' ? undefined : `${shown}; a plain text is one value: leave it empty`;
  }
  if (format === 'binary') {
    const message = mistakeOfSpan(place.path, place.encoding);
    return message && `${shown}; ${message}`;
  }
  for (const key of ['samples', 'time', 'unit'] as const) {
    const message = place[key] !== undefined && mistakeOfPart(key, place[key]);
    if (message) return `has "${key}: ${place[key]}"; ${message}`;
  }
  if (!hasPaths(place, settings)) {
    return place.path === '' ? `${shown}; write the name that its samples have` : undefined;
  }
  const message = mistakeOfPath(place.path);
  return message && `${shown}; ${message}`;
}
