/**
 * Definitions of structures, read from the server that uses them (attribute DataTypeDefinition,
 * OPC 10000-3 §5.8.3), once for each session, since a server may change with a restart.
 */
import { limits } from '../../../devices/limits.ts';
import { browseChildren } from './browse.ts';
import type { NodeId } from './library.ts';
import { readAttributes, type ServiceContext } from './services.ts';
import type { StructureField, StructureType } from './structure.ts';

/** By the id that stands before a structure's bytes (its Default Binary encoding). */
export type StructureTypes = ReadonlyMap<string, StructureType>;

const DATA_TYPE = 14;
const DATA_TYPE_DEFINITION = 23;
const HAS_SUBTYPE = 'i=45';
const INVERSE = 1;
const STRUCTURE = 22;
const VARIANT = 24;
const INT32 = 6;

/** The parts that count of a StructureDefinition. */
interface WireDefinition {
  readonly structureType: number;
  readonly defaultEncodingId: NodeId;
  readonly fields:
    | readonly {
        readonly name: string | null;
        readonly dataType: NodeId;
        readonly valueRank: number;
        readonly isOptional: boolean;
      }[]
    | null;
}

/**
 * Definitions of the data types of `variables` and of their subtypes, since a variable may hold
 * any of them. A type without a definition is left out; its values will be unknown structures.
 * At most `limits.opcuaTypesMax` types are looked at.
 */
export async function readStructureTypes(
  context: ServiceContext,
  variables: readonly NodeId[],
): Promise<StructureTypes> {
  const book = new Book(context);
  for (const nodeId of variables) {
    const [declared] = await readAttributes(context, [{ nodeId, attributeId: DATA_TYPE }]);
    const dataType = declared?.value?.value;
    if (isNodeId(dataType)) await book.enter(dataType);
  }
  return book.types;
}

class Book {
  readonly types = new Map<string, StructureType>();
  readonly #context: ServiceContext;
  /** By data type: its definition, or the number of a built-in type. */
  readonly #known = new Map<string, Promise<StructureType | number | undefined>>();
  #looked = 0;

  constructor(context: ServiceContext) {
    this.#context = context;
  }

  /** Enters a data type and its subtypes. */
  async enter(dataType: NodeId): Promise<void> {
    const waiting = [dataType];
    const seen = new Set<string>();
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const key = next.toString();
      if (seen.has(key) || this.#looked >= limits.opcuaTypesMax) continue;
      seen.add(key);
      await this.#resolve(next);
      const { session } = this.#context;
      waiting.push(
        ...(await browseChildren(session, next, HAS_SUBTYPE)).map(({ nodeId }) => nodeId),
      );
    }
  }

  #resolve(dataType: NodeId): Promise<StructureType | number | undefined> {
    const key = dataType.toString();
    const known = this.#known.get(key) ?? this.#look(dataType);
    this.#known.set(key, known);
    return known;
  }

  async #look(dataType: NodeId): Promise<StructureType | number | undefined> {
    this.#looked += 1;
    if (this.#looked > limits.opcuaTypesMax) return undefined;
    const builtIn = await this.#builtIn(dataType);
    if (builtIn !== STRUCTURE) return builtIn;
    const target = { nodeId: dataType, attributeId: DATA_TYPE_DEFINITION };
    const [read] = await readAttributes(this.#context, [target]);
    const definition = read?.value?.value;
    if (!isDefinition(definition)) return undefined;
    const fields: StructureField[] = [];
    for (const { name, dataType: fieldType, valueRank, isOptional } of definition.fields ?? []) {
      // A structure that holds itself can only do so in an ExtensionObject.
      const type = sameId(fieldType, dataType) ? STRUCTURE : await this.#resolve(fieldType);
      if (type === undefined) return undefined;
      const dimensions = Math.max(0, valueRank);
      // OPC 10000-3 §8.51: in these kinds the flag says that a field may hold any subtype.
      const isSubtyped = definition.structureType >= 3 && isOptional;
      const boxed = typeof type === 'number' ? VARIANT : STRUCTURE;
      fields.push(
        isSubtyped
          ? { name: name ?? '', type: boxed, dimensions, isOptional: false }
          : { name: name ?? '', type, dimensions, isOptional },
      );
    }
    const structure: StructureType = {
      name: dataType.toString(),
      kind: kindOf(definition.structureType),
      fields,
    };
    this.types.set(definition.defaultEncodingId.toString(), structure);
    return structure;
  }

  /** Walks up to the built-in type that a data type is one of (OPC 10000-6 §5.2.1 Table 1). */
  async #builtIn(dataType: NodeId): Promise<number | undefined> {
    let at: NodeId | undefined = dataType;
    for (let depth = 0; at && depth < limits.opcuaTypeDepthMax; depth += 1) {
      const number = at.namespace === 0 && typeof at.value === 'number' ? at.value : 0;
      if (number >= 1 && number <= 25) return number;
      // BaseDataType, Number, Integer and UInteger are sent in a Variant; an enumeration as Int32.
      if (number >= 26 && number <= 28) return VARIANT;
      if (number === 29) return INT32;
      const [parent] = await browseChildren(this.#context.session, at, HAS_SUBTYPE, INVERSE);
      at = parent?.nodeId;
    }
    return undefined;
  }
}

/** OPC 10000-3 §8.49. Fields that may be subtypes are ExtensionObjects or Variants on the wire. */
function kindOf(structureType: number): StructureType['kind'] {
  if (structureType === 1) return 'optional';
  return structureType === 2 || structureType === 4 ? 'union' : 'plain';
}

function sameId(a: NodeId, b: NodeId): boolean {
  return a.toString() === b.toString();
}

function isNodeId(value: unknown): value is NodeId {
  return typeof value === 'object' && value !== null && 'namespace' in value;
}

function isDefinition(value: unknown): value is WireDefinition {
  return (
    typeof value === 'object' &&
    value !== null &&
    'structureType' in value &&
    'defaultEncodingId' in value &&
    'fields' in value
  );
}
