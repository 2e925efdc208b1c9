/**
 * Answers questions about twins and the journal from both databases, read-only and synchronously;
 * runs in a worker so that a long answer never delays a receipt.
 */
import { limits } from '../devices/limits.ts';
import { type DoubtsQuery, doubtsOf } from './api-doubts.ts';
import { evidenceOf } from './api-evidence.ts';
import { papersOf } from './api-papers.ts';
import { type Proof, proofOf } from './api-proof.ts';
import { DeviceLabels, type ReadingLines, readLines } from './api-readings.ts';
import type { Changes } from './apply.ts';
import { batchPayload, payloadOf } from './apply-payload.ts';
import type { FoldPlugins } from './fold.ts';
import { decodeState } from './fold-codec.ts';
import { noRoutes, type RouteTable, readRoutes } from './fold-routes.ts';
import type { TwinState } from './fold-state.ts';
import type { JournalReader } from './journal-reader.ts';
import type { EntryKind } from './store.ts';
import { type Statement, type StatementSource, type Twin, twinId } from './twin.ts';
import { viewOf } from './twin-view.ts';
import type { TwinsStore } from './twins-store.ts';

/** A question; each names its answer's form. */
export type Query =
  /** JSON of a `TwinList`. */
  | {
      readonly ask: 'twins';
      readonly kind?: string;
      readonly after?: string;
      readonly count?: number;
    }
  /** `Changes`: twins touched at or after a position. */
  | { readonly ask: 'changes'; readonly from: number }
  /** JSON of a twin, or `undefined`. */
  | { readonly ask: 'twin'; readonly id: string }
  /** JSON of a `TwinProof`, or `undefined`. */
  | { readonly ask: 'proof'; readonly id: string; readonly attribute: string }
  /** JSON of `Papers`, or `undefined`. */
  | { readonly ask: 'papers'; readonly id: string }
  /** JSON of the evidence behind an entry, or `undefined`. */
  | { readonly ask: 'evidence'; readonly position: number; readonly enrolmentAt?: number }
  /** JSON of an entry, or `undefined`. */
  | { readonly ask: 'entry'; readonly position: number }
  /** `ReadingLines`. */
  | { readonly ask: 'readings'; readonly from: number; readonly count: number }
  /** JSON of `Doubts`. */
  | ({ readonly ask: 'doubts' } & DoubtsQuery)
  /** JSON of what a console needs to know of kinds and rules. */
  | { readonly ask: 'kinds' };

export interface QueryAnswers {
  readonly twins: string;
  readonly changes: Changes;
  readonly twin: string | undefined;
  readonly proof: string | undefined;
  readonly papers: string | undefined;
  readonly evidence: string | undefined;
  readonly entry: string | undefined;
  readonly readings: ReadingLines;
  readonly doubts: string;
  readonly kinds: string;
}

/** A statement and the chain behind it. */
interface TwinProof extends Proof {
  readonly twin: string;
  readonly label: string;
  readonly attribute: string;
  readonly statement: unknown;
}

/** Kinds whose entries may be tokens. */
const TOKENS: readonly EntryKind[] = [
  'batch',
  'doubtful',
  'enrolment',
  'equivocation',
  'party',
  'status',
];

export class Queries {
  readonly journal: JournalReader;
  readonly store: TwinsStore;
  private readonly plugins: FoldPlugins;
  private readonly labels: DeviceLabels;
  /** JSON of the routes that `table` was read from. */
  private routes = '';
  private table: RouteTable = noRoutes;

  constructor(options: { journal: JournalReader; store: TwinsStore; plugins: FoldPlugins }) {
    this.journal = options.journal;
    this.store = options.store;
    this.plugins = options.plugins;
    this.labels = new DeviceLabels(options.journal);
  }

  answer<A extends Query['ask']>(query: Query & { readonly ask: A }): QueryAnswers[A];
  answer(query: Query): QueryAnswers[Query['ask']] {
    switch (query.ask) {
      case 'twins':
        return this.twins(query);
      case 'changes':
        return this.changes(query.from);
      case 'twin':
        return this.store.snapshot(() => this.json(query.id));
      case 'proof':
        return this.proof(query.id, query.attribute);
      case 'papers':
        return this.papers(query.id);
      case 'evidence':
        return evidenceOf(this.journal, query);
      case 'entry':
        return this.entry(query.position);
      case 'readings':
        return readLines(this.journal, this.labels, query);
      case 'doubts':
        return JSON.stringify(doubtsOf(this, query));
      case 'kinds':
        return this.kinds();
    }
  }

  /** The twins whose JSON a list shows, with the position and tick that they are as of. */
  private twins({ kind, after, count = limits.apiTwinsMax }: Query & { ask: 'twins' }): string {
    return this.store.snapshot(() => {
      const { cursor, nowMs } = this.store.meta();
      const query = { count: Math.min(count, limits.apiTwinsMax), ...(after && { after }) };
      const rows = this.store.list(query);
      const texts = rows
        .filter((row) => kind === undefined || row.kind === kind)
        .map(({ state }) => JSON.stringify(this.view(decodeState(state))));
      const last = rows.length === query.count ? rows.at(-1)?.id : undefined;
      const next = last === undefined ? '' : `,"next":${JSON.stringify(last)}`;
      return `{"position":${cursor},"nowMs":${nowMs}${next},"twins":[${texts.join(',')}]}`;
    });
  }

  private changes(from: number): Changes {
    return this.store.snapshot(() => ({
      cursor: this.store.meta().cursor,
      twins: this.store
        .list({ from, count: limits.apiTwinsMax })
        .map(({ id, position, state }) => ({
          id,
          position,
          json: JSON.stringify(this.view(decodeState(state))),
        })),
    }));
  }

  private json(id: string): string | undefined {
    const text = this.store.load(id);
    return text === undefined ? undefined : JSON.stringify(this.view(decodeState(text)));
  }

  private view(state: TwinState): Twin {
    const { routes, nowMs } = this.store.meta();
    if (routes !== this.routes) {
      this.routes = routes;
      this.table = routes === '' ? noRoutes : readRoutes(routes);
    }
    return viewOf(state, { plugins: this.plugins, routes: this.table, nowMs });
  }

  private proof(id: string, attribute: string): string | undefined {
    const found = this.store.snapshot(() => {
      const text = this.store.load(id);
      if (text === undefined) return undefined;
      const state = decodeState(text);
      const twin = this.view(state);
      const said = statementNamed(twin, attribute);
      if (said === undefined) return undefined;
      return { twin, said, enrolmentAt: this.enrolmentAt(state, said.source) };
    });
    if (found === undefined) return undefined;
    const { twin, said, enrolmentAt } = found;
    const proof = proofOf(this.journal, {
      source: said.source,
      ...('quality' in said ? { statement: said as Statement } : {}),
      ...(enrolmentAt === undefined ? {} : { enrolmentAt }),
    });
    if (proof === undefined) return undefined;
    const { label } = twin;
    const answer: TwinProof = { twin: id, label, attribute, statement: said, ...proof };
    return JSON.stringify(answer);
  }

  /** Position of the enrolment that the fold took the batch at `source` under. */
  private enrolmentAt(state: TwinState, source: StatementSource): number | undefined {
    const [entry] = this.journal.read(source.position, 1);
    if (entry?.header.batch === undefined) return undefined;
    const id = twinId(state.tenant, 'device', entry.header.batch.device);
    const text = this.store.load(id);
    if (text === undefined) return undefined;
    const records = [...decodeState(text).enrolments.values()];
    const named = batchPayload(entry).credentialSubject['bl:enrolment']?.digestMultibase;
    const earlier = records.filter(({ position }) => position < source.position);
    return (records.find(({ digest }) => digest === named) ?? earlier.at(-1))?.position;
  }

  private papers(id: string): string | undefined {
    const text = this.store.snapshot(() => this.store.load(id));
    return text && JSON.stringify(papersOf(this.journal, decodeState(text)));
  }

  private entry(position: number): string | undefined {
    const [entry] = this.journal.read(position, 1);
    if (entry === undefined || entry.position !== position) return undefined;
    const { header, bytes } = entry;
    const text = Buffer.from(bytes).toString('utf8');
    // Parties and lists may also be JSON with proofs inside, which is its own payload.
    const isToken = TOKENS.includes(header.kind) && !text.startsWith('{');
    return JSON.stringify({
      position,
      leaf: this.journal.leaf(position),
      header,
      text,
      ...(isToken ? { payload: payloadOf(bytes) } : {}),
    });
  }

  private kinds(): string {
    const { kinds, rules } = this.plugins;
    return JSON.stringify({
      kinds: kinds.map(({ name, summary, attributes }) => ({ name, summary, attributes })),
      rules: rules.map(({ name, code, version, summary }) => ({ name, code, version, summary })),
    });
  }
}

/** What a twin says under a name: an attribute, `@place`, or a controller such as `@possessor`. */
function statementNamed(
  twin: Twin,
  name: string,
): { readonly source: StatementSource } | undefined {
  if (!name.startsWith('@'))
    return Object.hasOwn(twin.attributes, name) ? twin.attributes[name] : undefined;
  switch (name) {
    case '@place':
      return twin.place;
    case '@owner':
    case '@possessor':
    case '@bondLiable':
    case '@hold':
      return twin.control[name === '@bondLiable' ? 'bondLiable' : (name.slice(1) as 'owner')];
    default:
      return undefined;
  }
}
