/**
 * Looks through a server's address space and notes every variable that could be a point, with what
 * the server says of it: type, array length, unit, range. Bounded in depth, nodes and time; what
 * was left out for that is said.
 */
import type { Clock } from '../../../devices/runtime.ts';
import { type QualifiedName, writeBrowseName } from './browse-path.ts';
import { inCalls } from './calls.ts';
import { readStructureTypes } from './definitions.ts';
import type { Discovered, FoundEvent, FoundRoot, FoundUnit, FoundVariable } from './found.ts';
import type { NodeId, Opcua, Session } from './library.ts';
import { namespacesOf, readNamespaceArray } from './namespaces.ts';
import { findRoot } from './nodes.ts';
import { type ReadTarget, readAttributes, type ServiceContext } from './services.ts';
import type { WireDataValue } from './value.ts';

export interface DiscoverOptions {
  readonly opcua: Opcua;
  readonly session: Session;
  readonly clock: Clock;
  /** Browse path below Objects, or absent for everything but the server's own objects. */
  readonly rootPath: string | undefined;
  readonly depth: number;
  readonly nodes: number;
  readonly timeMs: number;
  readonly signal: AbortSignal;
}

const OBJECTS_FOLDER = 'i=85';
const BASE_EVENT_TYPE = 'i=2041';
const HIERARCHICAL_REFERENCES = 'i=33';
const HAS_SUBTYPE = 'i=45';
const HAS_PROPERTY = 'i=46';
/** Node classes, OPC 10000-3 §8.29. */
const OBJECT = 1;
const VARIABLE = 2;
/** Attributes, OPC 10000-6 Annex A. */
const DESCRIPTION = 5;
const EVENT_NOTIFIER = 12;
const VALUE = 13;
const DATA_TYPE = 14;
const VALUE_RANK = 15;
const ARRAY_DIMENSIONS = 16;
const USER_ACCESS_LEVEL = 18;
const STRUCTURE = 22;

interface Reference {
  readonly nodeId: NodeId;
  readonly name: QualifiedName;
  readonly nodeClass: number;
  readonly isProperty: boolean;
}

/** @throws EdgeError GW_OPCUA_NODE_MISSING when the root is not there. */
export async function discoverServer(options: DiscoverOptions): Promise<Discovered> {
  const namespaceUris = await readNamespaceArray(options.session);
  const search = new Search(options);
  const starts = await search.starts(namespaceUris);
  const roots: FoundRoot[] = [];
  for (const start of starts) roots.push(await search.root(start));
  const { truncated } = search;
  return { roots, namespaceUris, ...(truncated !== undefined && { truncated }) };
}

interface Start {
  readonly nodeId: NodeId;
  readonly name: QualifiedName;
  readonly rootPath: string;
}

interface Waiting {
  readonly nodeId: NodeId;
  readonly path: readonly QualifiedName[];
}

/** A variable that was found, with what describes it. */
interface Candidate extends Waiting {
  readonly properties: Reference[];
}

function isProperty(reference: Reference): boolean {
  return reference.isProperty;
}

class Search {
  truncated: string | undefined;
  readonly #options: DiscoverOptions;
  readonly #context: ServiceContext;
  readonly #untilMs: number;
  #looked = 0;
  #events: Promise<FoundEvent[]> | undefined;

  constructor(options: DiscoverOptions) {
    const { clock, opcua, session } = options;
    this.#options = options;
    this.#context = { clock, opcua, session };
    this.#untilMs = clock.monotonicMs() + options.timeMs;
  }

  /** Objects to look into. Those of the OPC UA namespace say something of the server only. */
  async starts(uris: readonly string[]): Promise<Start[]> {
    const { rootPath, session } = this.#options;
    if (rootPath !== undefined) {
      const found = await findRoot(session, rootPath, namespacesOf(uris, new Map()));
      return [{ nodeId: found.nodeId, name: found, rootPath }];
    }
    const [below = []] = await this.#browse([OBJECTS_FOLDER]);
    return below
      .filter(({ name, nodeClass }) => nodeClass === OBJECT && name.namespaceIndex !== 0)
      .map(({ name, nodeId }) => {
        // A name that objects of several namespaces have needs its own.
        const isAlone = below.every(
          (one) => one.name.name !== name.name || one.name.namespaceIndex === name.namespaceIndex,
        );
        const own = isAlone ? name.namespaceIndex : undefined;
        return { nodeId, name, rootPath: writeBrowseName(name, own, uris) };
      });
  }

  async root({ name, nodeId, rootPath }: Start): Promise<FoundRoot> {
    const variables = await this.#variablesBelow(nodeId);
    const [notifier] = await this.#read([{ nodeId, attributeId: EVENT_NOTIFIER }]);
    const raises = (Number(notifier?.value?.value ?? 0) & 1) !== 0;
    if (!raises) return { rootPath, root: name, variables, events: [] };
    this.#events ??= this.#eventTypes();
    return { rootPath, root: name, variables, events: await this.#events };
  }

  /** Level by level; properties describe a node and are no points. */
  async #variablesBelow(root: NodeId): Promise<FoundVariable[]> {
    const seen = new Set<string>([root.toString()]);
    const found = new Map<string, Candidate>();
    let level: Waiting[] = [{ nodeId: root, path: [] }];
    while (level.length > 0 && !this.#isOver()) {
      const below = await this.#browse(level.map(({ nodeId }) => nodeId));
      const next: Waiting[] = [];
      for (const [index, { nodeId, path }] of level.entries()) {
        const references = below[index] ?? [];
        found.get(nodeId.toString())?.properties.push(...references.filter(isProperty));
        for (const reference of references) {
          const key = reference.nodeId.toString();
          if (isProperty(reference) || seen.has(key)) continue;
          if (path.length >= this.#options.depth) {
            this.truncated ??= `below ${this.#options.depth} levels`;
            break;
          }
          seen.add(key);
          const waiting = { nodeId: reference.nodeId, path: [...path, reference.name] };
          if (reference.nodeClass === VARIABLE) found.set(key, { ...waiting, properties: [] });
          next.push(waiting);
        }
      }
      level = next;
    }
    return await this.#describe([...found.values()]);
  }

  async #describe(found: readonly Candidate[]): Promise<FoundVariable[]> {
    const attributes = [
      DESCRIPTION,
      VALUE,
      DATA_TYPE,
      VALUE_RANK,
      ARRAY_DIMENSIONS,
      USER_ACCESS_LEVEL,
    ];
    const read = await this.#read(
      found.flatMap(({ nodeId }) => attributes.map((attributeId) => ({ nodeId, attributeId }))),
    );
    const at = (index: number, attribute: number) =>
      read[index * attributes.length + attributes.indexOf(attribute)]?.value;
    const structured = found.filter((_, index) => at(index, VALUE)?.dataType === STRUCTURE);
    const types = await readStructureTypes(
      this.#context,
      structured.map(({ nodeId }) => nodeId),
    );
    const byName = new Map([...types.values()].map((type) => [type.name, type]));
    const units = await this.#properties(found, 'EngineeringUnits');
    const ranges = await this.#properties(found, 'EURange');
    return found.map(({ path }, index): FoundVariable => {
      const value = at(index, VALUE);
      const structure = byName.get(String(at(index, DATA_TYPE)?.value));
      const unit = asUnit(units.get(index));
      const range = asRange(ranges.get(index));
      return {
        path,
        description: textOf(at(index, DESCRIPTION)?.value),
        builtIn: value?.dataType ?? 0,
        dimensions: dimensionsOf(value, at(index, ARRAY_DIMENSIONS)?.value),
        readable: (Number(at(index, USER_ACCESS_LEVEL)?.value ?? 1) & 1) !== 0,
        ...(structure && { structure }),
        ...(unit && { unit }),
        ...(range && { range }),
      };
    });
  }

  /** Values of the property `name` by the variable's position. */
  async #properties(
    found: readonly { properties: readonly Reference[] }[],
    name: string,
  ): Promise<ReadonlyMap<number, unknown>> {
    const wanted = found.flatMap(({ properties }, index) => {
      const property = properties.find(
        (one) => one.name.namespaceIndex === 0 && one.name.name === name,
      );
      return property ? [{ index, nodeId: property.nodeId }] : [];
    });
    const { session } = this.#options;
    const read = await inCalls(wanted, (chunk) =>
      // Decoded by the library: both types are the standard's own.
      session.read(chunk.map(({ nodeId }) => ({ nodeId, attributeId: VALUE }))),
    );
    return new Map(wanted.map(({ index }, position) => [index, read[position]?.value.value]));
  }

  /** Event types below BaseEventType that are not the standard's own, with their fields. */
  async #eventTypes(): Promise<FoundEvent[]> {
    const events: FoundEvent[] = [];
    let level: (NodeId | string)[] = [BASE_EVENT_TYPE];
    while (level.length > 0 && !this.#isOver()) {
      const below = (await this.#browse(level, HAS_SUBTYPE, 0)).flat();
      const own = below.filter(({ name }) => name.namespaceIndex !== 0);
      const fields = await this.#browse(own.map(({ nodeId }) => nodeId));
      for (const [index, { name }] of own.entries()) {
        const variables = (fields[index] ?? []).filter(({ nodeClass }) => nodeClass === VARIABLE);
        const described = await this.#read(
          variables.flatMap(({ nodeId }) => [
            { nodeId, attributeId: DESCRIPTION },
            { nodeId, attributeId: DATA_TYPE },
          ]),
        );
        const listed = variables.map((field, position) => ({
          path: field.name,
          description: textOf(described[2 * position]?.value?.value),
          builtIn: builtInOf(described[2 * position + 1]?.value?.value),
        }));
        if (listed.length > 0) events.push({ type: name, fields: listed });
      }
      level = below.map(({ nodeId }) => nodeId);
    }
    return events;
  }

  #isOver(): boolean {
    const { clock, nodes, signal, timeMs } = this.#options;
    if (this.#looked >= nodes) this.truncated ??= `after ${nodes} nodes`;
    else if (clock.monotonicMs() > this.#untilMs) this.truncated ??= `after ${timeMs / 1000} s`;
    else if (signal.aborted) this.truncated ??= 'when it was stopped';
    else return false;
    return true;
  }

  /** References of each node, objects and variables only; each list in the server's order. */
  async #browse(
    nodes: readonly (NodeId | string)[],
    referenceTypeId = HIERARCHICAL_REFERENCES,
    nodeClassMask = OBJECT | VARIABLE,
  ): Promise<Reference[][]> {
    const { session } = this.#options;
    const found: Reference[][] = [];
    const results = await inCalls(nodes, async (chunk) => {
      if (this.#isOver()) return [];
      const asked = chunk.map((nodeId) => ({
        nodeId,
        referenceTypeId,
        includeSubtypes: true,
        browseDirection: 0,
        nodeClassMask,
        // Reference type, node class and browse name.
        resultMask: 0x0d,
      }));
      return await session.browse(asked);
    });
    for (const first of results) {
      let result = first;
      const list: Reference[] = [];
      for (;;) {
        for (const reference of result.references ?? []) {
          const { name, namespaceIndex } = reference.browseName;
          if (name === null || name === '') continue;
          list.push({
            nodeId: reference.nodeId,
            name: { name, namespaceIndex },
            nodeClass: reference.nodeClass,
            isProperty: reference.referenceTypeId.toString() === PROPERTY_TEXT,
          });
        }
        const point = result.continuationPoint;
        if (!point || point.length === 0) break;
        const isEnough = this.#looked + list.length >= this.#options.nodes;
        result = await session.browseNext(point, isEnough);
        if (isEnough) break;
      }
      this.#looked += list.length;
      found.push(list);
    }
    return found;
  }

  #read(targets: readonly ReadTarget[]): Promise<WireDataValue[]> {
    return inCalls(targets, (chunk) => readAttributes(this.#context, chunk));
  }
}

/** As the library writes HasProperty. */
const PROPERTY_TEXT = `ns=0;${HAS_PROPERTY}`;

/** Data types 1 to 25 of the standard are the built-in types themselves. */
function builtInOf(dataType: unknown): number {
  const id = /^ns=0;i=(\d+)$/.exec(String(dataType))?.[1];
  return id !== undefined && Number(id) <= 25 ? Number(id) : 0;
}

function dimensionsOf(
  value: WireDataValue['value'] | undefined,
  declared: unknown,
): readonly number[] {
  if (!value || value.arrayType === 0) return [];
  if (value.dimensions && value.dimensions.length > 0) return value.dimensions;
  const { length } = value.value as ArrayLike<unknown>;
  const [first] = isNumbers(declared) ? declared : [];
  return [length > 0 ? length : (first ?? 0)];
}

function isNumbers(value: unknown): value is ArrayLike<number> & Iterable<number> {
  return Array.isArray(value) || value instanceof Uint32Array;
}

function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null || !('text' in value)) return '';
  return typeof value.text === 'string' ? value.text : '';
}

function asUnit(value: unknown): FoundUnit | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { displayName, namespaceUri, unitId } = value as Record<string, unknown>;
  if (typeof unitId !== 'number') return undefined;
  return {
    namespaceUri: typeof namespaceUri === 'string' ? namespaceUri : '',
    unitId,
    displayName: textOf(displayName),
  };
}

function asRange(value: unknown): readonly [number, number] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { high, low } = value as Record<string, unknown>;
  if (typeof low !== 'number' || typeof high !== 'number') return undefined;
  // OPC 10000-8 §5.6.2: a range of 0 to 0 is one that nobody has set.
  return Number.isFinite(low) && Number.isFinite(high) && low < high ? [low, high] : undefined;
}
