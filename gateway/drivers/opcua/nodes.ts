/**
 * Where the points of a profile stand in one server: browse paths become node ids. Ids may differ
 * after every restart of a server, so they are looked up anew for every session.
 */
import { EdgeError } from '../../../devices/errors.ts';
import { limits } from '../../../devices/limits.ts';
import type { PointDefinition } from '../../../devices/profile.ts';
import { browseChildren, type Child } from './browse.ts';
import { PATH_HINT, parseBrowsePath, type QualifiedName } from './browse-path.ts';
import { chunks } from './calls.ts';
import type { NodeId, Opcua, Session } from './library.ts';
import type { Namespaces } from './namespaces.ts';
import type { OpcuaSettings } from './settings.ts';

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
  /** Paths of the fields that its events are chosen by, as the configuration writes them. */
  readonly where: ReadonlyMap<string, readonly QualifiedName[]>;
}

/** Everything that was found, and the points that were not. */
export interface DeviceNodes {
  readonly root: NodeId;
  readonly variables: readonly VariableNode[];
  readonly events: readonly EventNode[];
  /** Points that are not in this server. */
  readonly absent: readonly string[];
  /** What an operator should hear of the search, one sentence each. */
  readonly notes: readonly string[];
}

/** OPC 10000-5 §8.2.4 and §6.4.2. */
const OBJECTS_FOLDER = 'i=85';
const BASE_EVENT_TYPE = 'i=2041';
const HIERARCHICAL_REFERENCES = 'i=33';
const HAS_SUBTYPE = 'i=45';

type Points = readonly (readonly [string, PointDefinition])[];

/** Where to look, and how the names of a configuration are to be understood. */
export interface Search {
  readonly opcua: Opcua;
  readonly session: Session;
  readonly settings: Pick<OpcuaSettings, 'events' | 'rootPath'>;
  readonly namespaces: Namespaces;
}

/**
 * Looks up `points` below the root.
 *
 * @throws EdgeError GW_OPCUA_NODE_MISSING when the root is not there; a point that is not there
 * is named in `absent` and hinders nobody else.
 */
export async function findNodes(search: Search, points: Points): Promise<DeviceNodes> {
  const { namespaces, session, settings } = search;
  const root = await findRoot(session, settings.rootPath, namespaces);
  const variables = points.filter(([, point]) => point.opcua && point.opcua.event === undefined);
  const fields = points.filter(([, point]) => point.opcua?.event !== undefined);
  const doubtful: string[] = [];
  const found = await findVariables(search, root, variables, doubtful);
  const events = await findEvents(search, root.namespaceIndex, fields);
  const names = new Set([
    ...found.map(({ point }) => point),
    ...events.flatMap((event) => event.fields.map(({ point }) => point)),
  ]);
  const absent = points.map(([name]) => name).filter((name) => !names.has(name));
  const notes = [...namespaces.notes, ...doubtful];
  return { root: root.nodeId, variables: found, events, absent, notes };
}

/**
 * Walks down from Objects by browse names, each in the namespace that it states or in any.
 *
 * @throws EdgeError GW_OPCUA_NODE_MISSING where there is none, or more than one.
 */
export async function findRoot(
  session: Session,
  rootPath: string,
  namespaces: Namespaces,
): Promise<Child> {
  const path = parseBrowsePath(rootPath);
  if (!path) throw new EdgeError('GW_OPCUA_NODE_MISSING', `reading ${rootPath}: ${PATH_HINT}`);
  let at: Child | undefined;
  for (const step of path) {
    const children = await browseChildren(
      session,
      at?.nodeId ?? OBJECTS_FOLDER,
      HIERARCHICAL_REFERENCES,
    );
    const wanted = step.namespace === undefined ? undefined : namespaces.indexOf(step.namespace);
    const fitting = children.filter(
      ({ name, namespaceIndex }) =>
        name === step.name && (step.namespace === undefined || namespaceIndex === wanted),
    );
    const [child] = fitting;
    const looking = `looking for "${step.name}" of rootPath ${rootPath}`;
    if (!child) {
      const seen = children.map(({ name, namespaceIndex }) => `${namespaceIndex}:${name}`);
      const told = `${looking}; there are: ${seen.slice(0, 20).join(', ')}`;
      throw new EdgeError('GW_OPCUA_NODE_MISSING', told);
    }
    // The order in which a server names its nodes is no reason to take one rather than the other.
    if (isSeveral(fitting.map(({ nodeId }) => nodeId))) {
      const each = fitting.map(({ name, namespaceIndex }) => `${namespaceIndex}:${name}`);
      const told = `${looking}; there are several: ${each.slice(0, 20).join(', ')}`;
      throw new EdgeError('GW_OPCUA_NODE_MISSING', told);
    }
    at = child;
  }
  if (!at) throw new EdgeError('GW_OPCUA_NODE_MISSING', 'looking for an empty rootPath');
  return at;
}

/** Several references may lead to one node; that is no doubt. */
function isSeveral(nodes: readonly { toString(): string }[]): boolean {
  return new Set(nodes.map(String)).size > 1;
}

async function findVariables(
  { namespaces, opcua, session }: Search,
  root: Child,
  points: Points,
  doubtful: string[],
): Promise<VariableNode[]> {
  const { makeNodeId, BrowsePath } = opcua.client;
  const found: VariableNode[] = [];
  const written = points.flatMap(([point, definition]) => {
    const path = namespaces.resolve(definition.opcua?.path ?? '', root.namespaceIndex);
    return path ? [{ point, definition, path }] : [];
  });
  for (const chunk of chunks(written, limits.opcuaNodesPerCall)) {
    const paths = chunk.map(
      ({ path }) =>
        new BrowsePath({
          startingNode: root.nodeId,
          relativePath: {
            elements: path.map((name) => ({
              referenceTypeId: makeNodeId(33),
              isInverse: false,
              includeSubtypes: true,
              targetName: name,
            })),
          },
        }),
    );
    const results = await session.translateBrowsePath(paths);
    for (const [index, { point, definition }] of chunk.entries()) {
      const result = results[index];
      const targets = (result?.targets ?? []).map(({ targetId }) => targetId);
      const [nodeId] = targets;
      if (!result?.statusCode.isGood() || !nodeId) continue;
      if (isSeveral(targets)) {
        const nodes = targets.slice(0, 5).join(', ');
        doubtful.push(`the path of point ${point} leads to several nodes: ${nodes}`);
      } else found.push({ point, definition, nodeId });
    }
  }
  return found;
}

/** What is to be found of an event type. */
interface WantedEvent extends Omit<EventNode, 'typeId'> {
  readonly type: QualifiedName;
}

/** Finds event types by walking down from BaseEventType, level by level. */
async function findEvents(search: Search, root: number, points: Points): Promise<EventNode[]> {
  const wanted = wantedEvents(search, root, points);
  const events: EventNode[] = [];
  let level: readonly (NodeId | string)[] = [BASE_EVENT_TYPE];
  let looked = 0;
  while (level.length > 0 && events.length < wanted.length && looked < limits.opcuaBrowseMax) {
    const next: NodeId[] = [];
    for (const parent of level) {
      for (const seen of await browseChildren(search.session, parent, HAS_SUBTYPE)) {
        looked += 1;
        next.push(seen.nodeId);
        for (const { type, ...event } of wanted) {
          if (type.name !== seen.name || type.namespaceIndex !== seen.namespaceIndex) continue;
          events.push({ ...event, typeId: seen.nodeId });
        }
      }
    }
    level = next;
  }
  return events;
}

/** By event type. One that is named in a namespace that the server lacks is left out. */
function wantedEvents(
  { namespaces, settings }: Search,
  root: number,
  points: Points,
): WantedEvent[] {
  const byName = new Map<string, Points[number][]>();
  for (const point of points) {
    const name = point[1].opcua?.event ?? '';
    byName.set(name, [...(byName.get(name) ?? []), point]);
  }
  return [...byName].flatMap(([name, fields]): WantedEvent[] => {
    const [type, ...more] = namespaces.resolve(name, root) ?? [];
    const where = (settings.events?.[name]?.where ?? []).map(
      ({ path }) => [path, namespaces.resolve(path, root)] as const,
    );
    const resolved = where.flatMap(([path, names]) => (names ? [[path, names] as const] : []));
    // Without one of its conditions, events would come that the site does not want.
    if (!type || more.length > 0 || resolved.length < where.length) return [];
    const known = fields.flatMap(([point, { opcua: place }]) => {
      const path = namespaces.resolve(place?.path ?? '', root);
      return path ? [{ point, path }] : [];
    });
    return [{ name, type, fields: known, where: new Map(resolved) }];
  });
}
