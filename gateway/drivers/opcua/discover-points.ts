/** From what was found in a server to the points of a profile: names, units, ranges, elements. */
import { limits } from '../../../devices/limits.ts';
import type { OpcuaPlace, PointDefinition } from '../../../devices/profile.ts';
import { type Quantity, units } from '../../../devices/units.ts';
import { type QualifiedName, writeBrowseName } from './browse-path.ts';
import type { FoundField, FoundRoot, FoundUnit, FoundVariable } from './found.ts';
import type { StructureType } from './structure.ts';

/** A point, and what a person should know of it. */
export interface SuggestedPoint {
  readonly name: string;
  readonly definition: PointDefinition;
  readonly notes: readonly string[];
}

export interface SuggestedDevice {
  readonly name: string;
  readonly rootPath: string;
  readonly points: readonly SuggestedPoint[];
  /** Variables that are no points, each with the reason. */
  readonly skipped: readonly string[];
}

/** Built-in types that the driver reads: numbers, texts, times, status codes. */
const SCALARS = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 19, 21]);
const TEXTS = new Set([12, 13, 21]);
const BOOLEAN = 1;
const STRUCTURE = 22;

/** OPC 10000-8 §5.6.4.3: unit ids of this namespace are those of UN/ECE Recommendation 20. */
export const CEFACT = 'http://www.opcfoundation.org/UA/units/un/cefact';

const TYPES: Partial<Record<Quantity, string>> = {
  volume: 'Volume',
  'volume flow': 'VolumeFlowRate',
  mass: 'Mass',
  density: 'Density',
  temperature: 'Temperature',
  pressure: 'Pressure',
  energy: 'Energy',
  fraction: 'Dimensionless',
  'mass fraction': 'bl:MassFraction',
  'volume fraction': 'VolumeFraction',
  frequency: 'Frequency',
  speed: 'Speed',
  angle: 'Angle',
  length: 'Length',
  time: 'Time',
  voltage: 'Voltage',
  count: 'Count',
};

/**
 * The device that a root stands for. `taken` are names of devices that exist already, `uris` the
 * server's NamespaceArray.
 */
export function suggestDevice(
  found: FoundRoot,
  taken: ReadonlySet<string>,
  uris: readonly string[],
): SuggestedDevice {
  const skipped: string[] = [];
  const drafts: Draft[] = [];
  const written = (names: readonly QualifiedName[]) => {
    const path = names
      .map((name) => writeBrowseName(name, found.root.namespaceIndex, uris))
      .join('/');
    return path.length > limits.opcuaPathLengthMax ? undefined : path;
  };
  for (const variable of found.variables) {
    const shown = variable.path.map(({ name }) => name).join('/');
    const path = written(variable.path);
    const made = path === undefined ? TOO_LONG : draftsOf(variable, path);
    if (typeof made === 'string') skipped.push(`${shown}: ${made}`);
    else drafts.push(...made);
  }
  for (const { fields, type } of found.events) {
    const event = written([type]);
    for (const field of fields) {
      const path = written([field.path]);
      const shown = `${type.name}/${field.path.name}`;
      if (event === undefined || path === undefined) skipped.push(`${shown}: ${TOO_LONG}`);
      else drafts.push(eventDraft(type.name, field, { path, event }));
    }
  }
  return {
    name: deviceName(found.root.name, taken),
    rootPath: found.rootPath,
    points: named(drafts),
    skipped,
  };
}

const TOO_LONG = `its path is longer than ${limits.opcuaPathLengthMax} letters`;

/** A point before it has its name. */
interface Draft {
  /** Words that its name may be made of, the nearest last. */
  readonly words: readonly string[];
  /** How many of them say what it is: a field says little without its structure. */
  readonly least: number;
  readonly definition: PointDefinition;
  readonly notes: readonly string[];
}

function draftsOf(variable: FoundVariable, path: string): Draft[] | string {
  const { builtIn, dimensions, readable, structure } = variable;
  if (!readable) return 'it may not be read';
  const words = variable.path.map(({ name }) => name);
  const [length = 0, ...more] = dimensions;
  if (dimensions.length === 0) {
    if (builtIn === STRUCTURE) return structureDrafts(variable, words, { path }, structure);
    if (builtIn === 0) return [scalarDraft(variable, words, { path }, ['has no value now'])];
    if (!SCALARS.has(builtIn)) return `its type (built-in ${builtIn}) is none that is read`;
    return [scalarDraft(variable, words, { path })];
  }
  if (more.length > 0) return `it is a matrix of ${dimensions.join(' × ')}`;
  if (length > limits.opcuaDiscoverElementsMax) return `it is an array of ${length} elements`;
  if (length === 0) return 'it is an array that is empty now';
  if (!SCALARS.has(builtIn))
    return `it is an array of a type (built-in ${builtIn}) that is not read`;
  return Array.from({ length }, (_, index) =>
    scalarDraft(variable, [...words, String(index)], { path, index: String(index) }),
  );
}

function structureDrafts(
  variable: FoundVariable,
  words: readonly string[],
  place: OpcuaPlace,
  structure: StructureType | undefined,
): Draft[] | string {
  if (!structure) return 'it is a structure that the server gives no definition of';
  const fields = scalarFields(structure, []);
  if (fields.length > limits.opcuaDiscoverElementsMax) {
    return `it is a structure of ${fields.length} fields`;
  }
  if (fields.length === 0) return 'it is a structure without a single value in it';
  return fields.map(({ builtIn, steps }) => {
    const { range: _range, unit: _unit, ...bare } = variable;
    const field = { ...bare, builtIn };
    const draft = scalarDraft(field, [...words, ...steps], { ...place, field: steps.join('/') });
    return { ...draft, least: 1 + steps.length };
  });
}

/** Single values in a structure, and in structures that stand in it. */
function scalarFields(
  structure: StructureType,
  above: readonly string[],
): { readonly steps: readonly string[]; readonly builtIn: number }[] {
  return structure.fields.flatMap(({ dimensions, name, type }) => {
    const steps = [...above, name];
    if (dimensions > 0 || /[/[\]]/.test(name)) return [];
    if (typeof type === 'object') return scalarFields(type, steps);
    return SCALARS.has(type) ? [{ steps, builtIn: type }] : [];
  });
}

function scalarDraft(
  variable: FoundVariable,
  words: readonly string[],
  opcua: OpcuaPlace,
  notes: readonly string[] = [],
): Draft {
  const { builtIn, description, range, unit } = variable;
  const isText = TEXTS.has(builtIn);
  const code = unit && !isText ? codeOfUnit(unit) : '';
  const told = [...notes];
  if (code === undefined && unit) told.push(`unit of the server: ${unitText(unit)}, unknown here`);
  const quantity = code ? units.get(code)?.quantity : undefined;
  const state = builtIn === BOOLEAN ? 'bl:State' : 'Dimensionless';
  const definition: PointDefinition = {
    summary: description === '' ? words.join(' ') : oneLine(description),
    type: isText ? 'bl:Text' : ((quantity && TYPES[quantity]) ?? state),
    unit: code ?? '',
    ...(range && !isText && builtIn !== BOOLEAN && { range }),
    opcua,
  };
  return { words, least: 1, definition, notes: told };
}

function eventDraft(type: string, field: FoundField, opcua: OpcuaPlace): Draft {
  const { builtIn, description } = field;
  const isNumber = builtIn > BOOLEAN && SCALARS.has(builtIn) && !TEXTS.has(builtIn);
  const { name } = field.path;
  const definition = {
    summary: description === '' ? `${name} of ${type}` : oneLine(description),
    type: isNumber ? 'Dimensionless' : builtIn === BOOLEAN ? 'bl:State' : 'bl:Text',
    unit: '',
    group: type.slice(0, 64),
    opcua,
  };
  const notes = isNumber ? ['a field of an event: the server does not say its unit'] : [];
  const words = [type.replace(/EventType$/, ''), name];
  return { words, least: words.length, definition, notes };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 512);
}

/**
 * The Rec 20 code of a unit that is known here; `undefined` where it is not, empty for "no unit".
 * The id is the code's ASCII characters as a big-endian number (OPC 10000-8 §5.6.4.3).
 */
export function codeOfUnit({ displayName, namespaceUri, unitId }: FoundUnit): string | undefined {
  if (namespaceUri === CEFACT && unitId > 0) {
    const code = rec20Code(unitId);
    return units.has(code) ? code : undefined;
  }
  // A unit of the vendor's own: its symbol may still be one of ours.
  if (displayName === '' && unitId <= 0) return '';
  const fitting = [...units.values()].filter(
    ({ symbol, ucum }) => displayName !== '' && (symbol === displayName || ucum === displayName),
  );
  return fitting.length === 1 ? fitting[0]?.code : undefined;
}

/** 5067857 is MTQ. */
export function rec20Code(unitId: number): string {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(unitId >>> 0);
  return octets.toString('latin1').replace(/[^\x21-\x7e]/g, '');
}

function unitText({ displayName, namespaceUri, unitId }: FoundUnit): string {
  const code =
    namespaceUri === CEFACT ? ` (${rec20Code(unitId)})` : ` (${unitId} of ${namespaceUri})`;
  return `${displayName}${code}`;
}

/** Gives each point the shortest name of its nearest words that no other has. */
function named(drafts: readonly Draft[]): SuggestedPoint[] {
  const taken = new Set<string>();
  const shortest = new Map<string, number>();
  for (const { least, words } of drafts) {
    const name = camelCase(nearest(words, least));
    shortest.set(name, (shortest.get(name) ?? 0) + 1);
  }
  return drafts.map(({ definition, least, notes, words }) => {
    const short = camelCase(nearest(words, least));
    // Two of one name are both written with the name of what they are in.
    let count = shortest.get(short) === 1 ? least : least + 1;
    let name = camelCase(nearest(words, count));
    while (taken.has(name) && count < words.length) {
      count += 1;
      name = camelCase(nearest(words, count));
    }
    for (let number = 2, base = name; taken.has(name); number += 1) {
      name = `${base.slice(0, 58)}X${number}`;
    }
    taken.add(name);
    return { name, definition, notes };
  });
}

/** The last words; a number alone says nothing, so what it counts goes with it. */
function nearest(words: readonly string[], count: number): readonly string[] {
  const digits = /^\d+$/.test(words.at(-1) ?? '') ? 1 : 0;
  return words.slice(-count - digits);
}

/** `["Zone 1", "Supply_Temp"]` is zone1SupplyTemp; at most 64 letters and digits. */
export function camelCase(words: readonly string[]): string {
  const parts = words
    .join(' ')
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .split(/[^A-Za-z0-9]+/)
    .filter((part) => part !== '');
  const joined = parts
    .map((part, index) => {
      const isShout = /^[A-Z0-9]+$/.test(part) && part.length > 1;
      const rest = isShout ? part.slice(1).toLowerCase() : part.slice(1);
      const [head = ''] = part;
      return (index === 0 ? head.toLowerCase() : head.toUpperCase()) + rest;
    })
    .join('');
  const name = /^[a-z]/.test(joined) ? joined : `p${joined}`;
  return name.slice(0, 64);
}

/** Small letters, digits and dashes, as names of devices and profiles are written. */
export function deviceName(browseName: string, taken: ReadonlySet<string>): string {
  const plain = browseName
    .normalize('NFKD')
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 48);
  const base = plain === '' ? 'device' : plain;
  let name = base;
  for (let number = 2; taken.has(name); number += 1) name = `${base}-${number}`;
  return name;
}
