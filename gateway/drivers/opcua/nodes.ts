/**
 * Where the points of a profile stand in one server: browse paths become node ids. Ids may differ
 * after every restart of a server, so they are looked up anew for every session.
 */
import { EdgeError } from '../../../devices/errors.ts';
import { limits } from '../../../devices/limits.ts';
import type { PointDefinition } from '../../../devices/profile.ts';
import { browseChildren } from './browse.ts';
import { chunks } from './calls.ts';
import type { NodeId, Opcua, Session } from './library.ts';

/** A point and the variable that it is of. */
export interface VariableNode {
  readonly point: string;
  readonly definition: PointDefinition;
  readonly nodeId: NodeId;
}

/** An event type with the fields of it that are points. */
export interface EventNode {
  readonly name: string;
  readonly typeId: NodeId;
  readonly fields: readonly { readonly point: string; readonly path: readonly QualifiedName[] }[];
}

export interface QualifiedName {
  readonly namespaceIndex: number;
  readonly name: string;
}

/** Everything that was found, and the points that were not. */
export interface DeviceNodes {
  readonly root: NodeId;
  readonly variables: readonly VariableNode[];
  readonly events: readonly EventNode[];
  /** Points that are not in this server. */
  readonly absent: readonly string[];
}

/** OPC 10000-5 §8.2.4 and §6.4.2. */
const OBJECTS_FOLDER = 'i=85';
const BASE_EVENT_TYPE = 'i=2041';
const HIERARCHICAL_REFERENCES = 'i=33';
const HAS_SUBTYPE = 'i=45';

type Points = readonly (readonly [string, PointDefinition])[];

/**
 * Looks up `points` below `rootPath`.
 *
 * @throws EdgeError GW_OPCUA_NODE_MISSING when the root is not there; a point that is not there
 * is named in `absent` and hinders nobody else.
 */
export async function findNodes(
  opcua: Opcua,
  session: Session,
  rootPath: string,
  points: Points,
): Promise<DeviceNodes> {
  const root = await findRoot(session, rootPath);
  const variables = points.filter(([, point]) => point.opcua && point.opcua.event === undefined);
  const fields = points.filter(([, point]) => point.opcua?.event !== undefined);
  const found = await findVariables(opcua, session, root, variables);
  const events = await findEvents(session, root.namespaceIndex, fields);
  const names = new Set([
    ...found.map(({ point }) => point),
    ...events.flatMap((event) => event.fields.map(({ point }) => point)),
  ]);
  const absent = points.map(([name]) => name).filter((name) => !names.has(name));
  return { root: root.nodeId, variables: found, events, absent };
}

interface Root {
  readonly nodeId: NodeId;
  readonly namespaceIndex: number;
}

/** Walks down by browse names, in whatever namespace they are. */
async function findRoot(session: Session, rootPath: string): Promise<Root> {
  let at: Root | undefined;
  for (const name of rootPath.split('/')) {
    const children = await browseChildren(
      session,
      at?.nodeId ?? OBJECTS_FOLDER,
      HIERARCHICAL_REFERENCES,
    );
    const child = children.find((candidate) => candidate.name === name);
    if (!child) {
      const seen = children.map((candidate) => candidate.name).slice(0, 20);
      throw new EdgeError(
        'GW_OPCUA_NODE_MISSING',
        `looking for "${name}" of rootPath ${rootPath}; there are: ${seen.join(', ')}`,
      );
    }
    at = child;
  }
  if (!at) throw new EdgeError('GW_OPCUA_NODE_MISSING', 'looking for an empty rootPath');
  return at;
}

async function findVariables(
  opcua: Opcua,
  session: Session,
  root: Root,
  points: Points,
): Promise<VariableNode[]> {
  const { makeNodeId, BrowsePath } = opcua.client;
  const found: VariableNode[] = [];
  for (const chunk of chunks(points, limits.opcuaNodesPerCall)) {
    const paths = chunk.map(
      ([, point]) =>
        new BrowsePath({
          startingNode: root.nodeId,
          relativePath: {
            elements: qualifiedPath(point.opcua?.path ?? '', root.namespaceIndex).map((name) => ({
              referenceTypeId: makeNodeId(33),
              isInverse: false,
              includeSubtypes: true,
              targetName: name,
            })),
          },
        }),
    );
    const results = await session.translateBrowsePath(paths);
    for (const [index, [point, definition]] of chunk.entries()) {
      const nodeId = results[index]?.targets?.[0]?.targetId;
      if (results[index]?.statusCode.isGood() && nodeId) found.push({ point, definition, nodeId });
    }
  }
  return found;
}

/** Finds event types by walking down from BaseEventType, level by level. */
async function findEvents(
  session: Session,
  namespaceIndex: number,
  points: Points,
): Promise<EventNode[]> {
  const wanted = new Map<string, { point: string; path: QualifiedName[] }[]>();
  for (const [point, { opcua: place }] of points) {
    if (place?.event === undefined) continue;
    const fields = wanted.get(place.event) ?? [];
    wanted.set(place.event, fields);
    fields.push({ point, path: qualifiedPath(place.path, namespaceIndex) });
  }
  const events: EventNode[] = [];
  let level: readonly (NodeId | string)[] = [BASE_EVENT_TYPE];
  let looked = 0;
  while (level.length > 0 && events.length < wanted.size && looked < limits.opcuaBrowseMax) {
    const next: NodeId[] = [];
    for (const parent of level) {
      for (const type of await browseChildren(session, parent, HAS_SUBTYPE)) {
        looked += 1;
        next.push(type.nodeId);
        const own = type.namespaceIndex === namespaceIndex;
        const name = type.namespaceIndex === 0 ? `0:${type.name}` : type.name;
        const fields = own || type.namespaceIndex === 0 ? wanted.get(name) : undefined;
        if (fields) events.push({ name, typeId: type.nodeId, fields });
      }
    }
    level = next;
  }
  return events;
}

/** `A/0:B` in namespace 2 is 2:A, 0:B. */
export function qualifiedPath(path: string, namespaceIndex: number): QualifiedName[] {
  return path.split('/').map((part) => {
    const own = /^0:(.+)$/.exec(part)?.[1];
    return own === undefined ? { namespaceIndex, name: part } : { namespaceIndex: 0, name: own };
  });
}
