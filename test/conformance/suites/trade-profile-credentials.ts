/** Lines of the trade profile about credentials: form, proof, algorithms, vocabulary, status. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { openCompact, signToken, verifyToken } from '../../../devices/credential/jws.ts';
import { addProof } from '../../../devices/credential/proof/add-proof.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../../devices/credential/status-list.ts';
import { isUrl, type JsonObject } from '../../../devices/credential/vcdm-values.ts';
import { didOfPublicJwk, keyIdOfDid, publicKeyOfDid } from '../../../devices/identity/did-key.ts';
import { formatTime } from '../../../devices/runtime.ts';
import { expect } from '../case.ts';
import { told } from '../judge.ts';
import type { Check } from './trade-profile.ts';
import {
  asToken,
  atMs,
  CREDENTIALS,
  credential,
  expectCode,
  expectValid,
  mill,
  TRACEABILITY,
  verdictOn,
} from './trade-profile-world.ts';

export const credentialChecks: Readonly<Record<string, Check>> = {
  'DHS-1': async (vectors) => {
    await expectValid(vectors, await asToken(credential()));
    const [first, second] = [CREDENTIALS, TRACEABILITY];
    await expectCode(
      vectors,
      await asToken(credential({ '@context': [second, first] })),
      'VC_SCHEMA',
    );
    const expanded = {
      '@type': ['https://www.w3.org/2018/credentials#VerifiableCredential'],
      'https://www.w3.org/2018/credentials#issuer': [{ '@id': mill.did }],
    };
    await expectCode(vectors, await asToken(expanded), 'VC_SCHEMA');
    const flattened = { '@context': [CREDENTIALS], '@graph': [credential()] };
    await expectCode(vectors, await asToken(flattened), 'VC_SCHEMA');
  },

  'DHS-2': async (vectors) => {
    const token = await asToken(credential());
    const opened = openCompact(Buffer.from(token), 1 << 20);
    expect(!isRefusal(opened), 'our own opener refuses it');
    expect(opened.header.typ === 'vc+jwt' && opened.header.cty === 'vc', 'typ or cty is another');
    await expectValid(vectors, token);
    await expectCode(vectors, `${token.slice(0, -6)}AAAAAA`, 'VC_SIGNATURE');
  },

  'DHS-3': async (vectors) => {
    const options = { purpose: 'assertionMethod', created: formatTime(atMs - 1_000) } as const;
    await expectValid(vectors, await addProof(credential(), mill.signer, options));
    await expectValid(vectors, await asToken(credential()));
  },

  'DHS-5': async (vectors) => {
    const url = 'https://mill.example/status/revocation.jwt';
    const entry = (index: number): JsonObject => ({
      type: 'BitstringStatusListEntry',
      statusPurpose: 'revocation',
      statusListIndex: String(index),
      statusListCredential: url,
    });
    const encodedList = encodeStatusList(statusBits([7]));
    const purpose = 'revocation';
    const list = { id: url, issuer: mill.did, purpose, encodedList, validFromMs: atMs - 1_000 };
    const payload = composeStatusList(list);
    const token = await signToken({ payload, signer: mill.signer, typ: 'vc+jwt' });
    const lists = new Map([[url, token]]);
    for (const [index, code] of [
      [7, 'VC_REVOKED'],
      [8, 'VC_VALID'],
    ] as const) {
      const input = await asToken(credential({ credentialStatus: entry(index) }));
      const report = await verdictOn(vectors, input, lists);
      expect(report.code === code, told(report));
      await expectCode(vectors, input, 'VC_STATUS_MISSING');
    }
  },

  'DHS-6': async (vectors) => {
    const changes = {
      '@context': [CREDENTIALS, TRACEABILITY],
      type: ['VerifiableCredential', 'CommercialInvoiceCredential'],
      credentialSubject: { type: ['CommercialInvoice'], invoiceNumber: '7' },
    };
    await expectValid(vectors, await asToken(credential(changes)));
    const untold = { ...changes, '@context': [CREDENTIALS] };
    await expectCode(vectors, await asToken(credential(untold)), 'VC_SCHEMA');
  },

  'TI-1': async (vectors) => {
    const token = await asToken(credential());
    const opened = openCompact(Buffer.from(token), 1 << 20);
    expect(!isRefusal(opened) && opened.header.alg === 'ES256', 'it is not signed with ES256');
    await expectValid(vectors, token);
    await expectValid(vectors, asEs384());
  },

  'TI-12': async (vectors) => {
    for (const id of ['urn:uuid:1', 'https://mill.example/a?b#c', 'did:web:mill.example']) {
      expect(isUrl(id), `${id} is refused`);
    }
    for (const id of ['mill', 'https ://mill.example', 'https://mill.example/%zz', 'urn:a b']) {
      expect(!isUrl(id), `${id} is accepted`);
      await expectCode(vectors, await asToken(credential({ id })), 'VC_SCHEMA');
    }
  },

  'TI-15': async (vectors) => {
    const old = {
      '@context': ['https://www.w3.org/2018/credentials/v1'],
      issuanceDate: formatTime(atMs - 1_000),
    };
    await expectCode(vectors, await asToken(credential(old)), 'VC_SCHEMA');
    await expectCode(vectors, await asToken(credential({ vc: credential() })), 'VC_SCHEMA');
    for (const type of ['Ed25519Signature2018', 'JsonWebSignature2020']) {
      const proof = { type, proofPurpose: 'assertionMethod', jws: 'e30..AA' };
      await expectCode(vectors, credential({ proof }), 'VC_FORM_UNSUPPORTED');
    }
  },
};

/** A credential by a P-384 key, which we never make and do read. */
function asEs384(): string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const did = didOfPublicJwk(publicKey.export({ format: 'jwk' }) as Record<string, string>);
  const header = { alg: 'ES384', typ: 'vc+jwt', cty: 'vc', kid: keyIdOfDid(did) };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part(header)}.${part(credential({ issuer: did }))}`;
  const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
  const token = `${input}.${sign('sha384', Buffer.from(input), key).toString('base64url')}`;
  const opened = openCompact(Buffer.from(token), 1 << 20);
  expect(!isRefusal(opened) && verifyToken(opened, publicKeyOfDid(did)), 'ES384 does not verify');
  return token;
}
