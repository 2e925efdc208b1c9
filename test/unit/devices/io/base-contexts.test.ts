/** The contexts of an optional package: pinned content only, and enough for a proof over RDF. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { contextPins } from '../../../../devices/credential/proof/context-pins.ts';
import { pinnedOf, withBaseContexts } from '../../../../devices/io/base-contexts.ts';
import { contextOf, openJsonLd } from '../../../../devices/io/json-ld.ts';
import { hasShared, sharedPath } from '../../../support/shared.ts';

const v1 = 'https://www.w3.org/2018/credentials/v1';
const v2 = 'https://www.w3.org/ns/credentials/v2';
const undefinedTerms = 'https://www.w3.org/ns/credentials/undefined-terms/v2';

describe('contexts of VCDM', () => {
  it('are at hand without a folder, and have the pinned content', async () => {
    const atHand = await withBaseContexts(new Map());
    for (const url of [v1, v2, undefinedTerms]) {
      expect(contextOf(url, atHand)).toHaveProperty('@context');
      expect([...atHand.keys()]).toContain(contextPins[url]);
    }
    expect(contextOf('https://www.w3.org/ns/credentials/examples/v2', atHand)).toMatchObject({
      code: 'VC_CONTEXT_MISSING',
    });
  });

  it('let a credential be canonicalised', async () => {
    const document = {
      '@context': [v2],
      type: 'VerifiableCredential',
      issuer: 'did:web:x.example',
    };
    const made = await openJsonLd(await withBaseContexts(new Map()))({
      document,
      digest: 'sha256',
    });
    expect(made).toContain('<https://www.w3.org/2018/credentials#issuer> <did:web:x.example>');
  });

  it('stand beside those of the folder', async () => {
    const own = new Map([['hash', { '@context': {} }]]);
    const atHand = await withBaseContexts(own);
    expect(atHand.get('hash')).toBe(own.get('hash'));
    expect(atHand.size).toBe(4);
  });

  it('are those with the pinned content under their own name, whatever a package brings', () => {
    expect(pinnedOf(undefined).size).toBe(0);
    expect(
      pinnedOf(
        new Map<unknown, unknown>([
          [v2, { '@context': {} }],
          [7, {}],
        ]),
      ).size,
    ).toBe(0);
  });

  it.skipIf(!hasShared)('are not taken under the name of another', () => {
    const content = JSON.parse(
      readFileSync(sharedPath('contexts', 'credentials-v2.jsonld'), 'utf8'),
    );
    expect(pinnedOf(new Map([[v1, content]])).size).toBe(0);
    expect(pinnedOf(new Map([[v2, content]])).size).toBe(1);
  });
});
