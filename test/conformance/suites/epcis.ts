/**
 * GS1 EPCIS 2.0: every example document passes our strict reader and validates with the schema of
 * its kind (documents, query documents); the sensor readings in it name units and times.
 */
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { parseStrictJson } from '../../../devices/credential/strict-json.ts';
import { type Case, expect, type Suite, theCase } from '../case.ts';
import { support, type Vectors } from '../vectors.ts';
import { checkerOf } from './schemas.ts';

type Json = Readonly<Record<string, unknown>>;

const SCHEMA = 'schema/EPCIS-JSON-Schema.bundled.json';

export const epcisSuite: Suite = {
  name: 'EPCIS 2.0',
  folder: 'gs1-epcis',
  cases: (vectors) => {
    const check = checkerOf(support(vectors, SCHEMA).json<Json>(SCHEMA));
    const documents = vectors
      .files(/\.jsonld$/)
      .map((file) => theCase(file, () => checkDocument(vectors.text(file), check)));
    return [...documents, ...queries(vectors)];
  },
};

function checkDocument(text: string, check: (value: unknown) => string | undefined): void {
  const read = parseStrictJson(text);
  expect(!isRefusal(read), 'our strict reader refuses it');
  const mistake = check(read.value);
  expect(mistake === undefined, `the schema refuses it: ${mistake}`);
}

/** The schema of queries knows what is no query: a check that passes anything proves nothing. */
function queries(vectors: Vectors): Case[] {
  return vectors.files(/^schema\/query-schema\.bundled\.json$/).map((file) =>
    theCase(file, () => {
      const check = checkerOf(vectors.json<Json>(file));
      const mistake = check({ eventType: ['ObjectEvent'], EQ_action: ['OBSERVE'] });
      expect(mistake === undefined, `a query for readings is refused: ${mistake}`);
      expect(check({ eventType: 7 }) !== undefined, 'a query for events of type 7 is accepted');
    }),
  );
}
