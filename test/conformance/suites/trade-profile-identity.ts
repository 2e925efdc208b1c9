/** Lines of the trade profile about organisations: DID documents, resolution, TLS. */
import { isRefusal } from '../../../devices/credential/refusal.ts';
import {
  checkOrganisationDocument,
  type DidDocument,
  readDidDocument,
  serviceEndpoints,
} from '../../../devices/identity/did-document.ts';
import { createResolver } from '../../../devices/io/resolve/resolver.ts';
import { systemClock } from '../../../devices/runtime.ts';
import { siteCertificate, startHttpsSite } from '../../support/https-site.ts';
import { memoryOrganisation } from '../../support/identity.ts';
import { expect } from '../case.ts';
import type { Check } from './trade-profile.ts';
import { mill } from './trade-profile-world.ts';

export const identityChecks: Readonly<Record<string, Check>> = {
  'DHS-4': async () => {
    await withSite({}, async ({ did, resolver, base }) => {
      const direct = await resolver().resolve(did);
      expect('document' in direct, 'code' in direct ? direct.reason : '');
      expect(direct.from === 'web' && direct.document.id === did, `it is from ${direct.from}`);
      const other = await resolver(`${base}/1.0/identifiers`).resolve(did);
      expect('document' in other, 'code' in other ? other.reason : '');
      expect(other.from === 'resolver' && other.document.id === did, `it is from ${other.from}`);
    });
  },

  'TI-3': () => {
    const endpoint = 'https://mill.example/traceability';
    for (const type of [
      'TraceabilityAPI',
      ['TraceabilityAPI'],
      ['LinkedDomains', 'TraceabilityAPI'],
    ]) {
      const service = [{ id: '#t', type, serviceEndpoint: endpoint }];
      const found = serviceEndpoints(read({ ...mill.document, service }), 'TraceabilityAPI');
      expect(found.length === 1 && found[0] === endpoint, `${String(type)} is not found`);
    }
    const service = [{ id: '#t', type: 'LinkedDomains', serviceEndpoint: endpoint }];
    const found = serviceEndpoints(read({ ...mill.document, service }), 'TraceabilityAPI');
    expect(found.length === 0, 'another service is taken for it');
  },

  'TI-4': () => {
    expect(checkOrganisationDocument(read(mill.document)) === undefined, 'ours is refused');
    const { verificationMethod, ...rest } = mill.document as { verificationMethod: object[] };
    const controlled = verificationMethod.map((method) => ({
      ...method,
      controller: 'did:web:other.example',
    }));
    const foreign = checkOrganisationDocument(read({ ...rest, verificationMethod: controlled }));
    expect(foreign?.code === 'VC_KEY_CONTROLLER', 'a foreign controller is accepted');
    for (const assertionMethod of [[], ['#another']]) {
      const keyless = checkOrganisationDocument(read({ ...mill.document, assertionMethod }));
      expect(keyless?.code === 'VC_KEY_UNKNOWN', 'a document without a key for claims is accepted');
    }
  },

  'TI-11': async () => {
    const tried = async (server: object): Promise<string> => {
      let outcome = '';
      await withSite(server, async ({ did, resolver }) => {
        const found = await resolver().resolve(did);
        outcome = 'code' in found ? found.code : 'resolved';
      });
      return outcome;
    };
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' };
    const weak = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' };
    const sound = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' };
    expect((await tried({ minVersion: 'TLSv1.3' })) === 'resolved', 'TLS 1.3 is refused');
    expect((await tried(sound)) === 'resolved', 'TLS 1.2 with an AEAD suite is refused');
    expect((await tried(weak)) === 'NET_TLS', 'TLS 1.2 without an AEAD suite is accepted');
    expect((await tried(old)) === 'NET_TLS', 'TLS 1.1 is accepted');
  },
};

function read(value: unknown): DidDocument {
  const document = readDidDocument(value);
  if (isRefusal(document)) throw new Error(document.reason);
  return document;
}

interface Site {
  readonly did: string;
  readonly base: string;
  readonly resolver: (external?: string) => ReturnType<typeof createResolver>;
}

/** A web server with the document of an organisation, which answers as a resolver too. */
async function withSite(server: object, use: (site: Site) => Promise<void>): Promise<void> {
  const certificate = await siteCertificate(['mill.example']);
  let text = '';
  const site = await startHttpsSite({ ...certificate, ...server }, (_, response) => {
    response.end(text);
  });
  try {
    const did = `did:web:mill.example%3A${site.port}`;
    text = JSON.stringify(memoryOrganisation(did, 'Mill').document);
    await use({
      did,
      base: `https://mill.example:${site.port}`,
      resolver: (external) =>
        createResolver({
          clock: systemClock,
          allowPrivate: ['127.0.0.1'],
          authorities: certificate.cert,
          lookup: async () => ['127.0.0.1'],
          ...(external !== undefined && { external }),
        }),
    });
  } finally {
    await site.close();
  }
}
