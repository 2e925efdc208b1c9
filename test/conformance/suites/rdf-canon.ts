/**
 * W3C rdf-canon (RDFC-1.0): canonical N-Quads and maps of blank nodes, through the library and the
 * bounds that our verifier uses; what would take for ever must be given up.
 */
import { limits } from '../../../devices/limits.ts';
import { expect, expectSame, type Suite, theCase } from '../case.ts';

interface Entry {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly action: string;
  readonly result?: string;
  readonly hashAlgorithm?: string;
  readonly computationalComplexity?: string;
}

export const rdfCanonSuite: Suite = {
  name: 'rdf-canon',
  folder: 'w3c-rdf-canon',
  cases: (vectors) =>
    vectors.files(/(^|\/)manifest\.jsonld$/).flatMap((file) =>
      vectors.json<{ entries: readonly Entry[] }>(file).entries.map((entry) =>
        theCase(`${entry.id} ${entry.name}`, async () => {
          const input = vectors.text(entry.action);
          if (entry.type.endsWith('NegativeEvalTest')) {
            const outcome = await attempt(input, entry);
            expect(outcome === undefined, 'it was canonicalised');
            return;
          }
          const names = new Map<string, string>();
          const found = await canonize(input, entry, names);
          const wanted = vectors.text(entry.result ?? '');
          if (entry.type.endsWith('EvalTest')) expectSame(found, wanted, 'the canonical form');
          else if (entry.type.endsWith('MapTest')) checkNames(names, wanted);
          else throw new Error(`entries of type ${entry.type} are not known here`);
        }),
      ),
    ),
};

function digestOf({ hashAlgorithm }: Entry): 'SHA-256' | 'SHA-384' {
  return /384/.test(hashAlgorithm ?? '') ? 'SHA-384' : 'SHA-256';
}

/** Issued identifiers, as the suite's JSON has them: without the leading `_:`. */
function checkNames(names: ReadonlyMap<string, string>, wanted: string): void {
  const bare = (name: string): string => name.replace(/^_:/, '');
  const found = [...names].map(([from, to]) => [bare(from), bare(to)] as const);
  const expected = Object.entries(JSON.parse(wanted) as Record<string, string>);
  const text = (pairs: readonly (readonly [string, string])[]): string =>
    JSON.stringify(pairs.map(([from, to]) => [bare(from), bare(to)]).sort());
  expectSame(text(found), text(expected), 'the map of blank nodes');
}

async function attempt(input: string, entry: Entry): Promise<string | undefined> {
  try {
    return await canonize(input, entry, new Map());
  } catch {
    return undefined;
  }
}

/**
 * Our verifier gives up beyond its work limit, which is a choice and not the algorithm; what the
 * suite calls complex is given one power of the number of like blank nodes more.
 */
function workFactorOf({ computationalComplexity }: Entry): number {
  return computationalComplexity === 'high' ? limits.rdfWorkFactorMax + 1 : limits.rdfWorkFactorMax;
}

async function canonize(input: string, entry: Entry, names: Map<string, string>): Promise<string> {
  const { default: jsonld } = await import('jsonld');
  const canonizeOptions = {
    algorithm: 'RDFC-1.0',
    format: 'application/n-quads',
    messageDigestAlgorithm: digestOf(entry),
    canonicalIdMap: names,
    maxWorkFactor: workFactorOf(entry),
    signal: AbortSignal.timeout(limits.rdfMs),
  };
  const options = { inputFormat: 'application/n-quads', canonizeOptions };
  return await jsonld.canonize(input as unknown as object, options as object);
}
