/**
 * What the namespaces of a configuration are in one session: indexes may change whenever a server
 * starts, and only the URIs stay (OPC 10000-3 §8.2.2).
 */
import { parseBrowsePath, type QualifiedName } from './browse-path.ts';
import type { Session } from './library.ts';

/** OPC 10000-5 §12.2: NamespaceArray of the Server object. */
const NAMESPACE_ARRAY = 'i=2255';
const VALUE = 13;

/** URIs by index. Servers that do not give them are taken to have none but the fixed ones. */
export async function readNamespaceArray(session: Session): Promise<readonly string[]> {
  const { value } = await session.read({ nodeId: NAMESPACE_ARRAY, attributeId: VALUE });
  const uris: unknown = value.value;
  return Array.isArray(uris) ? uris.map(String) : [];
}

/** Of each index that a configuration uses, the URI that it first had; outlives sessions. */
export type KnownNamespaces = Map<number, string>;

/** The namespaces of one session. */
export interface Namespaces {
  /** Index in this session of an index or URI of the configuration, where the server has it. */
  indexOf(namespace: number | string): number | undefined;
  /** The path in this session, or `undefined` where the server lacks a namespace of it. */
  resolve(path: string, root: number): QualifiedName[] | undefined;
  /** What an operator must hear: indexes that moved, namespaces that are not there. */
  readonly notes: ReadonlySet<string>;
}

/**
 * An index means what it meant when it was first used: if its URI has another index now, that one
 * is used, since the same name in another namespace is another value.
 */
export function namespacesOf(uris: readonly string[], known: KnownNamespaces): Namespaces {
  const notes = new Set<string>();
  const byUri = (uri: string, written: string): number | undefined => {
    const at = uris.indexOf(uri);
    if (at >= 0) return at;
    notes.add(`the server has no namespace ${uri}${written}`);
    return undefined;
  };
  const byIndex = (index: number): number | undefined => {
    // OPC UA's own and the server's own never move.
    if (index <= 1) return index;
    const uri = known.get(index) ?? uris[index];
    if (uri === undefined) {
      notes.add(`the server has no namespace ${index}; it has ${uris.length}`);
      return undefined;
    }
    known.set(index, uri);
    const at = byUri(uri, `, which was ${index}`);
    if (at !== undefined && at !== index) {
      const told = `namespace ${index} was ${uri}, which is ${at} now and is taken there`;
      notes.add(`${told}; write nsu=${uri}; instead of ${index}:`);
    }
    return at;
  };
  const indexOf = (namespace: number | string): number | undefined =>
    typeof namespace === 'number' ? byIndex(namespace) : byUri(namespace, '');
  return {
    indexOf,
    notes,
    resolve(path, root) {
      const names = parseBrowsePath(path);
      const qualified = names?.flatMap(({ name, namespace }) => {
        const namespaceIndex = namespace === undefined ? root : indexOf(namespace);
        return namespaceIndex === undefined ? [] : [{ namespaceIndex, name }];
      });
      return qualified && qualified.length === names?.length ? qualified : undefined;
    },
  };
}
