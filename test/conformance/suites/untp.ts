/**
 * UNTP 0.6.1 and 0.7.0: every instance validates with the schema beside it; credentials pass our
 * data model; those whose contexts are pinned become RDF in safe mode below the work limit.
 */
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { parseStrictJson } from '../../../devices/credential/strict-json.ts';
import { checkDataModel } from '../../../devices/credential/vcdm.ts';
import { type Case, expect, type Suite, theCase } from '../case.ts';
import { jsonLdOf } from '../judge.ts';
import { folderOf, type Vectors } from '../vectors.ts';
import { checkerOf } from './schemas.ts';

type Json = Readonly<Record<string, unknown>>;

export const untpSuite: Suite = {
  name: 'UNTP',
  folder: 'untp',
  cases: (vectors) => {
    const instances = vectors.files(/instance\.json$/);
    const credentials = instances.filter((file) => isCredential(vectors, file));
    return [
      ...instances.flatMap((file) => bySchema(vectors, file)),
      ...credentials.map((file) => byModel(vectors, file)),
      ...credentials.map((file) => asRdf(vectors, file)),
    ];
  },
};

function isCredential(vectors: Vectors, file: string): boolean {
  return [vectors.json<{ type?: unknown }>(file).type].flat().includes('VerifiableCredential');
}

/** `X-instance.json` by `X-schema.json`; where there are only constraints of an event, by those. */
function bySchema(vectors: Vectors, file: string): Case[] {
  const beside = file.replace(/instance\.json$/, 'schema.json');
  if (vectors.has(beside)) {
    return [
      theCase(`${file} by its schema`, () => {
        const mistake = checkerOf(vectors.json<Json>(beside))(strictly(vectors, file));
        expect(mistake === undefined, `the schema refuses it: ${mistake}`);
      }),
    ];
  }
  const folder = folderOf(file);
  const constraints = vectors
    .files(/\.constraints\.schema\.json$/)
    .filter((schema) => folderOf(schema) === folder);
  return constraints.map((schema) =>
    theCase(`${file} by ${schema}`, () => {
      const { credentialSubject } = strictly(vectors, file);
      const check = checkerOf(vectors.json<Json>(schema));
      const events = [credentialSubject].flat();
      expect(events.length > 0, 'there is no event');
      for (const event of events) {
        const mistake = check(event);
        expect(mistake === undefined, `the constraints refuse it: ${mistake}`);
        const unnamed = { ...(event as Json), type: ['Event'] };
        expect(check(unnamed) !== undefined, 'the constraints take any type');
      }
    }),
  );
}

function byModel(vectors: Vectors, file: string): Case {
  return theCase(`${file} by the data model`, () => {
    const refusal = checkDataModel(strictly(vectors, file));
    expect(refusal === undefined, `our data model refuses it: ${refusal?.reason}`);
  });
}

/**
 * In safe mode nothing of the document may be lost, within the bounds of the verifier. Of the
 * contexts of 0.6.0 and 0.7.0 no content is known, so documents under them are left open.
 */
function asRdf(vectors: Vectors, file: string): Case {
  return theCase(`${file} as RDF`, async () => {
    const document = strictly(vectors, file);
    const { canonize, contexts } = jsonLdOf(vectors.root);
    const made = await canonize({ document, digest: 'sha256' });
    const named = [document['@context']].flat();
    const isPinned = named.every((url) => typeof url === 'string' && contexts(url) !== undefined);
    if (typeof made === 'string') expect(made.endsWith(' .\n'), 'these are no N-Quads');
    else expect(!isPinned && made.code.startsWith('VC_CONTEXT_'), `${made.code}: ${made.reason}`);
    expect(isPinned === (typeof made === 'string'), 'a context of unknown content was used');
  });
}

function strictly(vectors: Vectors, file: string): Json {
  const read = parseStrictJson(vectors.text(file));
  expect(!isRefusal(read), 'our strict reader refuses it');
  return read.value as Json;
}
