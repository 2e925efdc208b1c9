/** What a point is of the value of its node: all of it, an element, or a field of a structure. */
import type { OpcuaPlace } from '../../../devices/profile.ts';
import { Cursor } from './binary.ts';
import type { StructureTypes } from './definitions.ts';
import { encodeScalar, type RawScalar, type WireVariant } from './scalar.ts';
import { fieldPath, findField, type Step, type StructureType } from './structure.ts';

/** A point and where it stands in the value of its node. */
export interface Part {
  readonly point: string;
  /** One number a dimension, from 0. */
  readonly index?: readonly number[];
  readonly field?: readonly Step[];
}

/** The part that a place names. */
export function partOf(point: string, place: OpcuaPlace): Part {
  const index = place.index?.split(',').map(Number);
  const field = place.field === undefined ? undefined : fieldPath(place.field);
  return { point, ...(index && { index }), ...(field && { field }) };
}

/** The point's own scalar, or a text that says why there is none. */
export function scalarOf(
  variant: WireVariant | null | undefined,
  part: Part,
  types: StructureTypes,
): RawScalar | string {
  const { field, index } = part;
  if (variant?.value === null || variant?.value === undefined) return 'null';
  const one = index ? elementOf(variant, index) : variant;
  if (typeof one === 'string') return one;
  if (!field) return encodeScalar(one) ?? 'not-a-scalar';
  return one.arrayType === 0 ? fieldOf(one.value, field, types) : 'not-a-scalar';
}

/**
 * One element. The server cuts it out where it can (index range) and sends an array of one; from
 * a server that can't comes the whole.
 */
function elementOf(variant: WireVariant, index: readonly number[]): WireVariant | string {
  const { arrayType, dataType, value } = variant;
  if (arrayType === 0 || !isList(value)) return 'not-an-array';
  const lengths = arrayType === 2 ? (variant.dimensions ?? []) : [value.length];
  const at = value.length === 1 ? 0 : flatIndex(lengths, index);
  if (at === undefined || at >= value.length) return `no-element ${index.join(',')}`;
  return { dataType, arrayType: 0, value: value[at] };
}

/** Place in a matrix that is stored row by row (OPC 10000-6 §5.2.2.16). */
function flatIndex(lengths: readonly number[], index: readonly number[]): number | undefined {
  if (lengths.length !== index.length) return undefined;
  let at = 0;
  for (const [dimension, length] of lengths.entries()) {
    const step = index[dimension] ?? 0;
    if (step >= length) return undefined;
    at = at * length + step;
  }
  return at;
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);
}

function fieldOf(
  value: unknown,
  field: readonly Step[],
  types: StructureTypes,
): RawScalar | string {
  if (isOpaque(value)) {
    const type = types.get(value.nodeId.toString());
    if (!type) return `unknown-structure ${value.nodeId.toString()}`;
    return findField(new Cursor(value.buffer), type, field);
  }
  const encodingId = isStandard(value) ? value.schema.encodingDefaultBinary?.toString() : undefined;
  const type = types.get(encodingId ?? '');
  if (!type || !isStandard(value)) return `unknown-structure ${encodingId ?? ''}`.trim();
  return memberOf(value, type, field);
}

/** A structure as its bytes: the library knows only those of the standard itself. */
interface Opaque {
  readonly nodeId: { toString(): string };
  readonly buffer: Buffer;
}

function isOpaque(value: unknown): value is Opaque {
  return typeof value === 'object' && value !== null && 'buffer' in value && 'nodeId' in value;
}

/** A structure of the standard, which the library has decoded into members. */
interface Standard {
  readonly schema: { readonly encodingDefaultBinary?: { toString(): string } };
}

function isStandard(value: unknown): value is Standard {
  return typeof value === 'object' && value !== null && 'schema' in value;
}

/** Follows a path through decoded members; the library begins their names with a small letter. */
function memberOf(
  value: object,
  type: StructureType,
  [step, ...rest]: readonly Step[],
): RawScalar | string {
  if (!step) return 'not-a-scalar';
  const field = type.fields.find(({ name }) => name === step.name);
  if (!field) return `no-field ${step.name}`;
  const key = step.name.charAt(0).toLowerCase() + step.name.slice(1);
  const member: unknown = new Map(Object.entries(value)).get(key);
  const one = step.index === undefined || !isList(member) ? member : member[step.index];
  if (one === undefined || one === null) return `field-not-set ${step.name}`;
  if (typeof field.type !== 'number') {
    return typeof one === 'object' ? memberOf(one, field.type, rest) : 'not-a-scalar';
  }
  return encodeScalar({ dataType: field.type, arrayType: 0, value: one }) ?? 'not-a-scalar';
}
