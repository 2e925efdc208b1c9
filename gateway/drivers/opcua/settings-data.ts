/** The fields of an OPC UA connection that say how values and events are asked for. */
import { limits } from '../../../devices/limits.ts';
import type { PointDefinition } from '../../../devices/profile.ts';
import { type SchemaMistake, Type } from '../../../devices/schema.ts';
import { PATH_HINT, parseBrowsePath } from './browse-path.ts';
import { fieldPath } from './structure.ts';

const closed = { additionalProperties: false } as const;

const where = Type.Object(
  {
    path: Type.String({
      description: 'Browse path of the field below the event type. Required.',
      minLength: 1,
      maxLength: 512,
    }),
    is: Type.Enum(['=', '<', '<=', '>', '>='], {
      description: 'How the field compares with the value. Required.',
    }),
    value: Type.Union([Type.String({ maxLength: 512 }), Type.Number(), Type.Boolean()], {
      description: 'What it is compared with. Required.',
    }),
  },
  closed,
);

const eventFilter = Type.Object(
  {
    minSeverity: Type.Optional(
      Type.Integer({
        description: 'Events of a lower severity are left out. Default: none is.',
        minimum: 1,
        maximum: 1_000,
      }),
    ),
    where: Type.Optional(
      Type.Array(where, { description: 'All of these must hold.', maxItems: 16 }),
    ),
  },
  { ...closed, description: 'Which events of this type are wanted; a browse name of the type.' },
);

export type EventWhere = {
  readonly path: string;
  readonly is: '=' | '<' | '<=' | '>' | '>=';
  readonly value: string | number | boolean;
};

export const dataSettings = {
  mode: Type.Enum(['subscribe', 'poll'], {
    description:
      'subscribe: the server sends what changes; poll: values are read every everyMs. Default: subscribe.',
    default: 'subscribe',
  }),
  publishingMs: Type.Integer({
    description: 'How often the server sends what has changed, milliseconds. Default: 100.',
    default: 100,
    minimum: 10,
    maximum: 10_000,
  }),
  samplingMs: Type.Integer({
    description:
      'How often the server looks at each value, milliseconds; 0: at every change. Default: 0.',
    default: 0,
    minimum: 0,
    maximum: 60_000,
  }),
  queueSize: Type.Integer({
    description: `Values that the server keeps for each item between two notifications. Default: ${limits.opcuaQueueSizeDefault}.`,
    default: limits.opcuaQueueSizeDefault,
    minimum: 2,
    maximum: 100_000,
  }),
  discard: Type.Enum(['newest', 'oldest'], {
    description:
      'What a full queue gives up; either is signed as a loss. Default: newest, so that what led to it is kept.',
    default: 'newest',
  }),
  trigger: Type.Enum(['status', 'value', 'timestamp'], {
    description:
      'What makes the server send a value: a new status, or also a new value, or also a new source time. Default: timestamp.',
    default: 'timestamp',
  }),
  history: Type.Enum(['auto', 'never'], {
    description:
      'auto: gaps are filled from the history of the server where it keeps one. Default: auto.',
    default: 'auto',
  }),
  watchdogMs: Type.Integer({
    description: `A point that was not heard for this long is read once, to tell unchanged from dead, milliseconds. Default: ${limits.opcuaWatchdogMsDefault}.`,
    default: limits.opcuaWatchdogMsDefault,
    minimum: 100,
    maximum: 86_400_000,
  }),
  eventsFrom: Type.Enum(['root', 'server'], {
    description:
      'Which node sends the events: the root of the device, or the Server object, which sends those of all devices. Default: root.',
    default: 'root',
  }),
  events: Type.Optional(
    Type.Record(Type.String({ maxLength: 512 }), eventFilter, {
      description: 'By event type, which of its events are wanted. Default: all of them.',
      maxProperties: 64,
    }),
  ),
};

/** By event type, which of its events are wanted. */
type EventChoices = Readonly<Record<string, { readonly where?: readonly EventWhere[] }>>;

/** Mistakes in how values and events are asked for, across fields and points. */
export function checkData(
  settings: { readonly mode: 'subscribe' | 'poll'; readonly events?: EventChoices },
  points: Readonly<Record<string, PointDefinition>>,
): SchemaMistake[] {
  const mistakes: SchemaMistake[] = [];
  const types = new Set<string>();
  for (const [name, { opcua: place }] of Object.entries(points)) {
    if (!place) continue;
    const { event, field, index } = place;
    if (event !== undefined) types.add(event);
    for (const path of [place.path, ...(event === undefined ? [] : [event])]) {
      if (path === '' || parseBrowsePath(path)) continue;
      const message = `point ${name}: "${path}" is no browse path; ${PATH_HINT}`;
      mistakes.push({ path: [], message });
    }
    if (event !== undefined && settings.mode === 'poll') {
      const message = `point ${name} is a field of an event, and events only come with mode: subscribe`;
      mistakes.push({ path: ['mode'], message });
    }
    if (event !== undefined && (field !== undefined || index !== undefined)) {
      const message = `point ${name} is a field of an event, which has no index and no field: write its path`;
      mistakes.push({ path: [], message });
    }
    if (field !== undefined && !fieldPath(field)) {
      const message = `point ${name}: "${field}" is no field; write names with slashes between, e.g. Zones[2]/Temperature`;
      mistakes.push({ path: [], message });
    }
  }
  for (const [event, { where = [] }] of Object.entries(settings.events ?? {})) {
    for (const [at, { path }] of where.entries()) {
      if (parseBrowsePath(path)) continue;
      const message = `"${path}" is no browse path; ${PATH_HINT}`;
      mistakes.push({ path: ['events', event, 'where', String(at), 'path'], message });
    }
    if (types.has(event)) continue;
    const message = `no point is a field of ${event}, so that there is nothing to filter`;
    mistakes.push({ path: ['events', event], message });
  }
  return mistakes;
}
