/**
 * w3c-ccg/traceability-vocab: every example validates with the schema of its type and passes our
 * data model; a change that the schema forbids is refused; the signed example verifies (ES384);
 * every workflow names credentials that there are.
 */

import { openCompact } from '../../../devices/credential/jws.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { parseStrictJson } from '../../../devices/credential/strict-json.ts';
import { checkDataModel } from '../../../devices/credential/vcdm.ts';
import { checkTerms } from '../../../devices/credential/vcdm-terms.ts';
import { isUrl } from '../../../devices/credential/vcdm-values.ts';
import { type Case, expect, type Suite, theCase } from '../case.ts';
import { jsonLdOf, judge, told } from '../judge.ts';
import { stemOf, type Vectors } from '../vectors.ts';
import { checkersOf } from './schemas.ts';

type Json = Readonly<Record<string, unknown>>;

export const traceabilitySuite: Suite = {
  name: 'Traceability vocabulary',
  folder: 'w3c-ccg-traceability',
  cases: (vectors) => [...examples(vectors), ...signed(vectors), ...workflows(vectors)],
};

const BASE = 'https://w3id.org/traceability/openapi/components/';

function examples(vectors: Vectors): Case[] {
  const schemas = new Map(
    vectors
      .files(/^schemas\/.*\.json$/)
      .map((file) => [`${BASE}${file}`, vectors.json<Json>(file)]),
  );
  const checkerAt = checkersOf(schemas);
  const { contexts } = jsonLdOf(vectors.root);
  return vectors.files(/^examples\/.*\.json$/).map((file) =>
    theCase(file, () => {
      const read = parseStrictJson(vectors.text(file));
      expect(!isRefusal(read), 'our strict reader refuses it');
      const url = `${BASE}schemas/credentials/${stemOf(file)}.json`;
      const check = checkerAt(url);
      const mistake = check(read.value);
      expect(mistake === undefined, `its schema refuses it: ${mistake}`);
      const { type: _, ...untyped } = read.value as Json;
      expect(check({ ...untyped, type: ['Nonsense'] }) !== undefined, 'its schema takes any type');
      const refusal = checkDataModel(read.value as Json);
      expect(refusal === undefined, `our data model refuses it: ${refusal?.reason}`);
      const terms = checkTerms(read.value as Json, contexts);
      // Some name a context of GS1 that is pinned nowhere: then nobody can tell, and we say so.
      const isTold = terms === undefined || terms.code === 'VC_CONTEXT_MISSING';
      expect(isTold, `its types are refused: ${terms?.reason}`);
    }),
  );
}

interface SignedExamples {
  readonly examples: readonly { readonly issued: string }[];
}

/**
 * Signed with ES384 under a did:jwk, before the media types had their names: the verifier takes
 * those only where it is told to, and the proof holds.
 */
function signed(vectors: Vectors): Case[] {
  return vectors.files(/^signed-.*\.json$/).flatMap((file) =>
    vectors.json<SignedExamples>(file).examples.map(({ issued }, index) =>
      theCase(`${file} ${index}`, async () => {
        const bytes = Buffer.from(issued, 'latin1');
        const opened = openCompact(bytes, 1 << 20);
        expect(!isRefusal(opened), 'our opener refuses it');
        const atMs = Date.parse(String(opened.payload['validFrom']));
        const told384 = await judge(vectors, bytes, { atMs, legacyTypes: true });
        const isProven = told384.verdict === 'valid' || told384.code.startsWith('VC_STATUS_');
        expect(isProven, told(told384));
        const strict = await judge(vectors, bytes, { atMs });
        expect(strict.code === 'VC_TYPE', `without being told to: ${told(strict)}`);
        const broken = `${issued.slice(0, -8)}AAAAAAAA`;
        const forged = await judge(vectors, Buffer.from(broken), { atMs, legacyTypes: true });
        expect(forged.verdict === 'invalid', `with another signature: ${told(forged)}`);
      }),
    ),
  );
}

interface Workflow {
  readonly id: string;
  readonly credentials?: readonly { readonly id: string }[];
}

/** A workflow has a name, and the credentials that it asks for are terms of the vocabulary. */
function workflows(vectors: Vectors): Case[] {
  const { contexts } = jsonLdOf(vectors.root);
  return vectors.files(/^workflows\/.*\.json$/).map((file) =>
    theCase(file, () => {
      const read = parseStrictJson(vectors.text(file));
      expect(!isRefusal(read), 'our strict reader refuses it');
      const { id, credentials = [] } = read.value as Workflow;
      expect(isUrl(id), 'its id is not a URL');
      expect(credentials.length > 0, 'it asks for no credential');
      for (const { id: term } of credentials) {
        const type = term.slice(term.indexOf('#') + 1);
        const payload = { '@context': CONTEXTS, type: ['VerifiableCredential', type] };
        const refusal = checkTerms(payload, contexts);
        expect(refusal === undefined, `${term}: ${refusal?.reason}`);
      }
    }),
  );
}

const CONTEXTS = ['https://www.w3.org/ns/credentials/v2', 'https://w3id.org/traceability/v1'];
