/** The nodes of one device in an OPC UA server, built from its profile. */
import { strict as assert } from 'node:assert';
import type { DeviceProfile } from '../../devices/profile.ts';
import { dateOf } from '../../devices/runtime.ts';
import type { BuiltInType, ServedValue } from './opcua-bytes.ts';
import type { WatchedItem } from './opcua-ledger.ts';
import type {
  AddressSpace,
  EventFilter,
  EventTypeNode,
  Library,
  Namespace,
  NodeId,
  ObjectNode,
  RaiseEventData,
  VariableNode,
} from './opcua-library.ts';

export interface DeviceSpace {
  write(point: string, value: ServedValue | null, sourceTimeMs: number, status?: string): void;
  raise(event: string, fields: Readonly<Record<string, ServedValue>>, timeMs: number): void;
  /** The point that a node shows, if it is one of this device. */
  pointOf(nodeId: string): string | undefined;
  /** What a client's monitored item stands for, if it is about this device. */
  watched(item: {
    readonly node: { readonly nodeId: NodeId } | null;
    readonly filter: object | null;
  }): WatchedItem | undefined;
}

interface SpaceOptions {
  readonly profile: DeviceProfile;
  readonly rootName: string;
  readonly types: Readonly<Record<string, BuiltInType>>;
}

export function buildAddressSpace(
  library: Library,
  space: AddressSpace,
  options: SpaceOptions,
): DeviceSpace {
  const own = space.getOwnNamespace();
  const server = space.rootFolder.objects.server;
  const root = own.addObject({
    browseName: options.rootName,
    organizedBy: space.rootFolder.objects,
    eventNotifier: 1,
    notifierOf: server,
  });
  const variables = addVariables(library, own, root, options);
  const pointOfNode = new Map(
    [...variables].map(([point, variable]) => [variable.nodeId.toString(), point]),
  );
  const events = addEventTypes(library, own, options);

  return {
    pointOf: (nodeId) => pointOfNode.get(nodeId),
    write(point, value, sourceTimeMs, status = 'Good') {
      const variable = variables.get(point);
      const type = options.types[point];
      assert(variable && type, `${point} is no variable of this device`);
      const code = library.StatusCodes[status as 'Good'];
      assert(code, `${status} is no status code`);
      const variant =
        value === null ? { dataType: library.DataType.Null } : variantOf(library, type, value);
      variable.setValueFromSource(variant, code, dateOf(sourceTimeMs));
    },
    raise(name, fields, timeMs) {
      const event = events.get(name);
      assert(event, `${name} is no event of this device`);
      const data: Record<string, unknown> = {
        time: { dataType: library.DataType.DateTime, value: dateOf(timeMs) },
        severity: { dataType: library.DataType.UInt16, value: 100 },
      };
      for (const [point, value] of Object.entries(fields)) {
        const path = options.profile.points[point]?.opcua?.path;
        const type = options.types[point];
        assert(path && type, `${point} is no field of ${name}`);
        data[path.charAt(0).toLowerCase() + path.slice(1)] = variantOf(library, type, value);
      }
      root.raiseEvent(event.type, data as RaiseEventData);
    },
    watched({ node, filter }) {
      const nodeId = node?.nodeId.toString() ?? '';
      const point = pointOfNode.get(nodeId);
      if (point !== undefined) return { kind: 'value', point };
      if (nodeId !== root.nodeId.toString() || !(filter instanceof library.EventFilter)) return;
      return watchedEvent(filter, [...events.values()]);
    },
  };
}

interface EventType {
  readonly type: EventTypeNode;
  /** Point of each field, by browse name. */
  readonly fields: ReadonlyMap<string, string>;
}

function addVariables(
  library: Library,
  own: Namespace,
  root: ObjectNode,
  { profile, types }: SpaceOptions,
): Map<string, VariableNode> {
  const folders = new Map<string, ObjectNode>();
  const variables = new Map<string, VariableNode>();
  for (const [point, { opcua: place, summary }] of Object.entries(profile.points)) {
    if (!place || place.event !== undefined) continue;
    const parts = place.path.split('/');
    const name = parts.pop() ?? '';
    let owner = root;
    for (const [index, part] of parts.entries()) {
      const path = parts.slice(0, index + 1).join('/');
      const folder = folders.get(path) ?? own.addObject({ browseName: part, componentOf: owner });
      folders.set(path, folder);
      owner = folder;
    }
    variables.set(
      point,
      own.addVariable({
        browseName: name,
        componentOf: owner,
        description: summary,
        dataType: types[point] ?? 'BaseDataType',
        // 0: the device reports each change by itself.
        minimumSamplingInterval: 0,
        value: { dataType: library.DataType.Null },
      }),
    );
  }
  return variables;
}

function addEventTypes(
  library: Library,
  own: Namespace,
  { profile, types }: SpaceOptions,
): Map<string, EventType> {
  const events = new Map<string, { type: EventTypeNode; fields: Map<string, string> }>();
  for (const [point, { opcua: place }] of Object.entries(profile.points)) {
    if (place?.event === undefined) continue;
    const event = events.get(place.event) ?? {
      type: own.addEventType({ browseName: place.event, subtypeOf: 'BaseEventType' }),
      fields: new Map<string, string>(),
    };
    events.set(place.event, event);
    event.fields.set(place.path, point);
    own.addVariable({
      browseName: place.path,
      propertyOf: event.type,
      dataType: types[point] ?? 'BaseDataType',
      modellingRule: 'Mandatory',
      value: { dataType: library.DataType.Null },
    });
  }
  return events;
}

/** Selected fields by their browse names; which event it is, the type of a clause says. */
function watchedEvent(filter: EventFilter, events: readonly EventType[]): WatchedItem | undefined {
  const clauses = (filter.selectClauses ?? []).map((clause) => ({
    typeId: clause.typeDefinitionId.toString(),
    name: (clause.browsePath ?? []).map((part) => part.name).join('/'),
  }));
  const points = clauses.map(({ typeId, name }) =>
    events.find(({ type }) => type.nodeId.toString() === typeId)?.fields.get(name),
  );
  const timeAt = clauses.findIndex(({ name }) => name === 'Time');
  return { kind: 'event', timeAt, points };
}

function variantOf(library: Library, type: BuiltInType, value: ServedValue) {
  const dataType = library.DataType[type];
  if (type === 'Int64' || type === 'UInt64') {
    const bits = BigInt.asUintN(64, BigInt(value));
    const words = [Number(bits >> 32n), Number(bits & 0xffffffffn)];
    return { dataType, arrayType: library.VariantArrayType.Scalar, value: words };
  }
  if (type === 'DateTime') return { dataType, value: dateOf(Number(value)) };
  return { dataType, value };
}
