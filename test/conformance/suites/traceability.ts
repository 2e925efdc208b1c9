/**
 * w3c-ccg/traceability-vocab: every example validates with the schema of its type and passes our
 * data model; a change that the schema forbids is refused; the signed example verifies (ES384); every workflow names
 * credentials that there are.
 */
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { parseStrictJson } from '../../../devices/credential/strict-json.ts';
import { checkDataModel } from '../../../devices/credential/vcdm.ts';
import { checkTerms } from '../../../devices/credential/vcdm-terms.ts';
import { type Case, expect, type Suite, theCase } from '../case.ts';
import { jsonLdOf } from '../judge.ts';
import { stemOf, type Vectors } from '../vectors.ts';
import { checkerOf } from './schemas.ts';

type Json = Readonly<Record<string, unknown>>;

export const traceabilitySuite: Suite = {
  name: 'Traceability vocabulary',
  folder: 'w3c-ccg-traceability',
  cases: (vectors) => [...examples(vectors), ...workflows(vectors)],
};

const BASE = 'https://w3id.org/traceability/openapi/components/';

function examples(vectors: Vectors): Case[] {
  const schemas = new Map(
    vectors
      .files(/^schemas\/.*\.json$/)
      .map((file) => [`${BASE}${file}`, vectors.json<Json>(file)]),
  );
  const { contexts } = jsonLdOf(vectors.root);
  return vectors.files(/^examples\/.*\.json$/).map((file) =>
    theCase(file, () => {
      const read = parseStrictJson(vectors.text(file));
      expect(!isRefusal(read), 'our strict reader refuses it');
      const url = `${BASE}schemas/credentials/${stemOf(file)}.json`;
      const check = checkerOf({}, schemas, url);
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

function workflows(vectors: Vectors): Case[] {
  const known = new Set(vectors.files(/^schemas\/credentials\//).map(stemOf));
  return vectors.files(/^workflows\/.*\.json$/).map((file) =>
    theCase(file, () => {
      const read = parseStrictJson(vectors.text(file));
      expect(!isRefusal(read), 'our strict reader refuses it');
      const named = [
        ...vectors.text(file).matchAll(/([A-Za-z0-9]+(?:Credential|Certificate))\.yml/g),
      ];
      for (const [, name = ''] of named) expect(known.has(name), `${name} has no schema`);
    }),
  );
}
