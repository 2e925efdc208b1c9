/**
 * One field of a structure (ExtensionObject), found in the structure's own bytes by the definition
 * that the server gives of its type: the raw words of the field are those of the wire.
 */
import { type Cursor, localizedText, NotThere, skipBuiltIn } from './binary.ts';
import { rawOfBytes } from './raw.ts';
import type { RawScalar } from './scalar.ts';

/** A structure's definition (OPC 10000-3 §8.48), its fields in the order of the wire. */
export interface StructureType {
  readonly name: string;
  readonly kind: 'plain' | 'optional' | 'union';
  readonly fields: readonly StructureField[];
}

export interface StructureField {
  readonly name: string;
  /** Number of a built-in type, or a structure that stands in place. */
  readonly type: number | StructureType;
  /** 0 one value, 1 a list, more a matrix. */
  readonly dimensions: number;
  readonly isOptional: boolean;
}

/** One step of a path: `Zones[2]` is field Zones, element 2. */
export interface Step {
  readonly name: string;
  readonly index?: number;
}

const VARIANT = 24;

/** `Zones[2]/Temperature` as steps; `undefined` where it is no path. */
export function fieldPath(text: string): readonly Step[] | undefined {
  const steps: Step[] = [];
  for (const part of text.split('/')) {
    const match = /^([^[\]]+)(?:\[(\d{1,9})\])?$/.exec(part);
    const name = match?.[1];
    if (name === undefined) return undefined;
    steps.push(match?.[2] === undefined ? { name } : { name, index: Number(match[2]) });
  }
  return steps;
}

/**
 * The scalar at `path` in the bytes of a structure of type `type`. A text says why there is none,
 * e.g. `no-field Speed`.
 */
export function findField(
  cursor: Cursor,
  type: StructureType,
  path: readonly Step[],
): RawScalar | string {
  try {
    return find(cursor, type, path);
  } catch (error) {
    if (error instanceof NotThere) return `broken-structure ${error.message}`;
    throw error;
  }
}

function find(cursor: Cursor, type: StructureType, path: readonly Step[]): RawScalar | string {
  const [step, ...rest] = path;
  if (!step) return 'not-a-scalar';
  const field = type.fields.find(({ name }) => name === step.name);
  if (!field) return `no-field ${step.name}`;
  const present = presentFields(cursor, type);
  if (!present.includes(field)) return `field-not-set ${step.name}`;
  for (const before of present) {
    if (before === field) break;
    skipField(cursor, before);
  }
  if (field.dimensions > 0 !== (step.index !== undefined)) return 'not-a-scalar';
  if (step.index !== undefined) {
    const count = elementsOf(cursor, field.dimensions);
    if (step.index >= count) return `no-element ${step.index} of ${count}`;
    for (let before = 0; before < step.index; before += 1) skipOne(cursor, field.type);
  }
  if (typeof field.type !== 'number') return find(cursor, field.type, rest);
  if (rest.length > 0) return `no-field ${rest[0]?.name ?? ''}`;
  return scalarAt(cursor, field.type) ?? 'not-a-scalar';
}

/** Which fields are there: all, those of the mask, or the one that a union holds. */
function presentFields(cursor: Cursor, type: StructureType): readonly StructureField[] {
  if (type.kind === 'plain') return type.fields;
  const mask = cursor.uint32();
  // OPC 10000-6 §5.2.8: the switch counts from 1, and 0 is a union without a value.
  if (type.kind === 'union') return type.fields.filter((_, index) => index + 1 === mask);
  // OPC 10000-6 §5.2.7: one bit for each optional field, in their order.
  let bit = 0;
  return type.fields.filter(({ isOptional }) => {
    if (!isOptional) return true;
    bit += 1;
    return (mask & (1 << (bit - 1))) !== 0;
  });
}

function skipField(cursor: Cursor, field: StructureField): void {
  const count = field.dimensions === 0 ? 1 : elementsOf(cursor, field.dimensions);
  for (let index = 0; index < count; index += 1) skipOne(cursor, field.type);
}

/** OPC 10000-6 §5.2.5: a list behind its length, a matrix behind the list of its lengths. */
function elementsOf(cursor: Cursor, dimensions: number): number {
  if (dimensions === 1) return cursor.length();
  const lengths = cursor.length();
  let count = lengths === 0 ? 0 : 1;
  for (let index = 0; index < lengths; index += 1) count *= cursor.length();
  // An element has at least one byte, so that a false length ends here and not in a long loop.
  if (count > cursor.bytes.length) throw new NotThere('the bytes end before the value');
  return count;
}

function skipOne(cursor: Cursor, type: number | StructureType): void {
  if (typeof type === 'number') skipBuiltIn(cursor, type);
  else for (const field of presentFields(cursor, type)) skipField(cursor, field);
}

function scalarAt(cursor: Cursor, type: number): RawScalar | undefined {
  if (type === VARIANT) {
    const mask = cursor.uint8();
    return mask > 25 ? undefined : scalarAt(cursor, mask);
  }
  if (type === 12) return rawOfBytes(type, cursor.counted());
  if (type === 21) return rawOfBytes(type, localizedText(cursor));
  const start = cursor.at;
  skipBuiltIn(cursor, type);
  return rawOfBytes(type, cursor.bytes.subarray(start, cursor.at));
}
