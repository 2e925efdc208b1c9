/** Browse paths as a configuration writes them: names, each with its namespace, and slashes. */

/** One name of a path. Without `namespace` it is in that of the device's root node. */
export interface PathName {
  /** Index of this session, or the URI that stays what it is. */
  readonly namespace?: number | string;
  readonly name: string;
}

/** A name as it stands in the server. */
export interface QualifiedName {
  readonly namespaceIndex: number;
  readonly name: string;
}

const BY_INDEX = /^(\d{1,5}):/;
const BY_URI = /^nsu=([^;]+);/;
/** Up to the next slash; `&` takes the meaning from what follows (OPC 10000-4 §A.2). */
const NAME = /^(?:&[/.<>:#!&]|[^/])+/;
const ESCAPED = /&([/.<>:#!&])/g;

/**
 * The names of a path, or `undefined` where it is none. `Caster/2:Speed` names the namespace by its
 * index (OPC 10000-4 §A.2), `nsu=http://vendor.example/UA/;Speed` by its URI (OPC 10000-6 §5.1.12),
 * in which `%25` is a percent sign and `%3B` a semicolon.
 */
export function parseBrowsePath(text: string): readonly PathName[] | undefined {
  const path: PathName[] = [];
  let rest = text;
  for (;;) {
    const [index, digits] = BY_INDEX.exec(rest) ?? [];
    const [uri, written] = index === undefined ? (BY_URI.exec(rest) ?? []) : [];
    rest = rest.slice((index ?? uri ?? '').length);
    const name = NAME.exec(rest)?.[0];
    // A URI without its end or its name is a mistake, and no name of that look.
    const isCut = (index ?? uri) === undefined && rest.startsWith('nsu=');
    if (name === undefined || isCut) return undefined;
    const namespace = digits === undefined ? written && plainUri(written) : Number(digits);
    const plain = name.replace(ESCAPED, '$1');
    path.push({ name: plain, ...(namespace !== undefined && { namespace }) });
    rest = rest.slice(name.length);
    if (rest === '') return path;
    rest = rest.slice(1);
  }
}

function plainUri(written: string): string {
  return written.replace(/%3B/gi, ';').replace(/%25/g, '%');
}

/** How a path is written, for the messages of `check`. */
export const PATH_HINT =
  'write names with single slashes between; 2:Name or nsu=URI;Name names the namespace, and & goes before a slash in a name';

/**
 * A name as a path writes it: alone where it is in the namespace `own`, else with the URI of its
 * namespace, since indexes change. `uris` is the server's NamespaceArray.
 */
export function writeBrowseName(
  { name, namespaceIndex }: QualifiedName,
  own: number | undefined,
  uris: readonly string[],
): string {
  const plain = name.replace(/[&/]/g, '&$&').replace(/^(\d{1,5}):/, '$1&:');
  const uri = uris[namespaceIndex];
  if (namespaceIndex === own && !plain.startsWith('nsu=')) return plain;
  // That of OPC UA and that of the server itself always have these indexes (OPC 10000-3 §8.2.2).
  if (namespaceIndex <= 1 || !uri) return `${namespaceIndex}:${plain}`;
  return `nsu=${uri.replace(/%/g, '%25').replace(/;/g, '%3B')};${plain}`;
}
