/** What discovery finds in a server, before anything is made of it. */
import type { QualifiedName } from './browse-path.ts';
import type { StructureType } from './structure.ts';

/** A variable as the server describes it. */
export interface FoundVariable {
  /** Names below the root. */
  readonly path: readonly QualifiedName[];
  readonly description: string;
  /** Built-in type of its value (OPC 10000-6 Table 1), 0 where it has none now. */
  readonly builtIn: number;
  /** Length of each dimension; empty for a single value. */
  readonly dimensions: readonly number[];
  readonly readable: boolean;
  readonly structure?: StructureType;
  readonly unit?: FoundUnit;
  readonly range?: readonly [number, number];
}

/** EUInformation, OPC 10000-8 §5.6.4.3. */
export interface FoundUnit {
  readonly namespaceUri: string;
  readonly unitId: number;
  readonly displayName: string;
}

export interface FoundEvent {
  readonly type: QualifiedName;
  readonly fields: readonly FoundField[];
}

/** A field of an event. */
export interface FoundField {
  readonly path: QualifiedName;
  readonly description: string;
  /** Built-in type that is declared for it, 0 where it is some type of the server's own. */
  readonly builtIn: number;
}

/** One object below Objects with everything in it. */
export interface FoundRoot {
  readonly rootPath: string;
  readonly root: QualifiedName;
  readonly variables: readonly FoundVariable[];
  /** Event types that such objects can raise; empty where nobody can subscribe here. */
  readonly events: readonly FoundEvent[];
}

export interface Discovered {
  readonly roots: readonly FoundRoot[];
  /** The server's NamespaceArray. */
  readonly namespaceUris: readonly string[];
  /** Why the search ended early, where it did. */
  readonly truncated?: string;
}
