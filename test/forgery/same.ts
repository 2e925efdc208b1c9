/**
 * Shows that another spelling of a document is the same credential: its statements by their
 * canonical form, what our reader takes of it at several times, and what the ingester does with it.
 */
import { canonicalize } from '../../devices/credential/proof/jcs.ts';
import type { JsonObject } from '../../devices/credential/vcdm-values.ts';
import type { DocumentPlace } from './case.ts';
import type { Spelling } from './corpus.ts';
import { canonize, type Office, verify } from './doors.ts';
import { isTaken } from './tally.ts';
import { atMs } from './world.ts';

/** In their time, and before and after it: so that an end that is not read any more shows. */
const TIMES = [atMs, atMs - 20 * 365 * 86_400_000, atMs + 20 * 365 * 86_400_000];

/** What differs from the genuine document, which the ingester must have been brought before. */
export async function differencesOf(spelling: Spelling, office: Office): Promise<string[]> {
  const { bytes, kind, place, of } = spelling;
  const faults: string[] = [];
  const parsed = JSON.parse(Buffer.from(bytes).toString('utf8')) as JsonObject;
  if ((await statementsOf(parsed, of)) !== (await statementsOf(of.document, of))) {
    faults.push('other statements');
  }
  for (const [time, wanted] of await readingsOf(of)) {
    const found = await verify(bytes, { atMs: time });
    if (time === atMs && found.verdict !== 'valid') faults.push(`${found.code}, ${found.reason}`);
    if (canonicalize(found) !== wanted) faults.push(`read as ${found.reason}`);
  }
  const { size } = office;
  if (isTaken(await office.bring(bytes)) !== of.isTaken) faults.push('another outcome');
  if (office.effects(size).length > 0) faults.push('an effect');
  return faults.map((fault) => `${kind} @ ${place}: ${fault}`);
}

const genuine = new Map<DocumentPlace, readonly (readonly [number, string])[]>();

/** What is read of the genuine document at each time, found once. */
async function readingsOf(of: DocumentPlace): Promise<readonly (readonly [number, string])[]> {
  const known = genuine.get(of);
  if (known) return known;
  const bytes = Buffer.from(JSON.stringify(of.document));
  const readings = await Promise.all(
    TIMES.map(async (time) => [time, canonicalize(await verify(bytes, { atMs: time }))] as const),
  );
  genuine.set(of, readings);
  return readings;
}

/** The claims and what each proof says of itself, as what is signed: canonical RDF or JSON. */
async function statementsOf(document: JsonObject, { over }: DocumentPlace): Promise<string> {
  const { proof, ...claims } = document as Record<string, unknown>;
  const contexts = claims['@context'];
  const options = [proof].flat().map((one) => {
    const { '@context': own, ...rest } = one as Record<string, unknown>;
    return { ...rest, '@context': over === 'rdf' ? contexts : own };
  });
  if (over === 'json') return canonicalize(JSON.parse(JSON.stringify([claims, options])));
  const texts = [claims, ...options].map(async (one) => {
    const made = await canonize({ document: one, digest: 'sha256' });
    if (typeof made !== 'string') throw new Error(made.reason);
    return made;
  });
  return (await Promise.all(texts)).join('\n');
}
