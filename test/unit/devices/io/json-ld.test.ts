/** Proofs over RDF: the published vectors, contexts from pins only, and graphs made to exhaust. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { contextPins } from '../../../../devices/credential/proof/context-pins.ts';
import type { JsonObject } from '../../../../devices/credential/vcdm-values.ts';
import { noDocuments, openDocuments } from '../../../../devices/io/documents.ts';
import { contextOf, openJsonLd } from '../../../../devices/io/json-ld.ts';
import { hasShared, sharedPath } from '../../../support/shared.ts';

const v2 = 'https://www.w3.org/ns/credentials/v2';

async function canonize(document: JsonObject, folder = true): Promise<string> {
  const { contexts } = folder ? openDocuments(sharedPath('contexts')) : noDocuments;
  const made = await openJsonLd(contexts)({ document, digest: 'sha256' });
  return typeof made === 'string' ? 'made' : made.code;
}

function vector(...path: string[]): JsonObject {
  return JSON.parse(readFileSync(sharedPath('vectors', ...path), 'utf8'));
}

describe.skipIf(!hasShared)('JSON-LD', () => {
  it('has the content of every pinned context in the folder of contexts', () => {
    const { contexts } = openDocuments(sharedPath('contexts'));
    const missing = Object.keys(contextPins).filter((url) => 'code' in contextOf(url, contexts));
    expect(missing).toEqual([]);
    expect(Object.keys(contextPins).length).toBeGreaterThanOrEqual(24);
  });

  it('uses only pinned content: a context that was changed is not there', async () => {
    const document = { '@context': [v2], type: 'VerifiableCredential' };
    expect(await canonize(document)).toBe('made');
    expect(await canonize(document, false)).toBe('VC_CONTEXT_MISSING');
    expect(await canonize({ ...document, '@context': [v2, 'https://x.example/v1'] })).toBe(
      'VC_CONTEXT_UNKNOWN',
    );
    expect(await canonize({ ...document, '@context': [v2, { name: 'https://x.example/n' }] })).toBe(
      'VC_CONTEXT_UNKNOWN',
    );
    const own = { '@context': [v2, 'https://w3id.org/bondline/v1'], type: 'SensorBatchCredential' };
    expect(await canonize(own)).toBe('made');
  });

  it('refuses what RDF would lose: members that no context defines', async () => {
    const subject = { id: 'urn:x:1', undefinedMember: 1 };
    const document = { '@context': [v2], type: 'VerifiableCredential', credentialSubject: subject };
    expect(await canonize(document)).toBe('VC_RDF_INVALID');
  });

  it.each(['dte', 'dpp', 'dia'])('takes the official sample of UNTP %s', async (name) => {
    const sample = vector('untp', '0.6.1', `untp-${name}`, `untp-${name}-instance.json`);
    expect(await canonize(sample)).toBe('made');
  });

  it('gives up on a graph that is made to exhaust it', async () => {
    // Twelve nodes, each pointing at all the others: nothing tells one from another.
    const names = Array.from({ length: 12 }, (_, index) => `_:n${index}`);
    const clique = names.map((id) => ({
      id,
      'https://x.example/knows': names
        .filter((other) => other !== id)
        .map((other) => ({ id: other })),
    }));
    const document = { '@context': [v2], '@graph': clique };
    expect(await canonize(document)).toBe('VC_RDF_WORK');
  });
});
