/** RFC 8785: documents with their canonical bytes, and doubles as the number lines write them. */

import { canonicalize } from '../../../devices/credential/proof/jcs.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { parseStrictJson } from '../../../devices/credential/strict-json.ts';
import { type Case, expect, expectSame, type Suite, theCase } from '../case.ts';
import { stemOf, type Vectors } from '../vectors.ts';

export const jcsSuite: Suite = {
  name: 'RFC 8785',
  folder: 'jcs-rfc8785',
  cases: (vectors) => [...documents(vectors), ...numbers(vectors)],
};

function documents(vectors: Vectors): Case[] {
  return vectors.files(/^input\/.*\.json$/).map((input) =>
    theCase(input, () => {
      const read = parseStrictJson(vectors.text(input));
      expect(!isRefusal(read), `our strict reader refuses it`);
      const found = canonicalize(read.value);
      const stem = stemOf(input);
      expectSame(found, vectors.text(`output/${stem}.json`), 'the canonical text');
      const hex = vectors.text(`outhex/${stem}.txt`).replace(/\s+/g, '').toLowerCase();
      expectSame(Buffer.from(found, 'utf8').toString('hex'), hex, 'its bytes');
    }),
  );
}

/** Lines of `hexadecimal IEEE 754 bits,text`. */
function numbers(vectors: Vectors): Case[] {
  return vectors.files(/^[^/]*\.(csv|txt)$/).flatMap((file) =>
    vectors
      .text(file)
      .split('\n')
      .filter((line) => line.includes(','))
      .map((line, index) => {
        const [bits = '', text = ''] = line.trim().split(',');
        return theCase(`${file}:${index + 1}`, () => {
          const value = Buffer.from(bits.padStart(16, '0'), 'hex').readDoubleBE();
          expectSame(canonicalize(value), text, bits);
        });
      }),
  );
}
