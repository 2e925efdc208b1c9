/** The libraries that others would verify with, each on the same credential in its own form. */
import { generateKeyPairSync } from 'node:crypto';
import { CompactSign, compactVerify } from 'jose';
import { openToken } from '../../devices/credential/jws.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { publicKeyOfDid } from '../../devices/identity/did-key.ts';
import { jwkOfKey } from '../../devices/identity/public-key.ts';
import { bazaarIssuer, bazaarVerify } from '../support/digitalbazaar.ts';
import { createSphereon } from '../support/sphereon.ts';
import type { Corpus } from './corpus.ts';

export interface VerifyingPeer {
  readonly name: string;
  /** Verifies one credential; throws when it does not verify. */
  verify(at: number): Promise<void>;
}

/**
 * Credentials that the slow peers verify in turn, so that nothing is remembered from one round. The
 * fast one has all that we have: few would fit into the cache of the processor, and ours do not.
 */
const CREDENTIALS = 16;

/** The peers, each with credentials of the corpus that it can verify. */
export async function peersOf(
  corpus: Corpus,
  say: (line: string) => void,
): Promise<VerifyingPeer[]> {
  say('issuing the same credentials with the peers');
  const payloads = corpus.tokens.map(payloadOf);
  const few = payloads.slice(0, CREDENTIALS);
  return [await sphereon(corpus.tokens), await bazaar(few), await jose(payloads)];
}

function payloadOf(token: Uint8Array): string {
  const opened = openToken(token, token.length);
  if (isRefusal(opened)) throw new Error(opened.reason);
  return opened.payloadText;
}

/**
 * The agent as others would make it, with its own key management: it resolves the DID each time.
 * Keys with a zero in front of a coordinate it cannot read (one in 128), so those are left out.
 */
async function sphereon(all: readonly Uint8Array[]): Promise<VerifyingPeer> {
  const agent = await createSphereon();
  const tokens: Uint8Array[] = [];
  for (const token of all) {
    const { issuer } = JSON.parse(payloadOf(token)) as { issuer: string };
    const { x = '', y = '' } = jwkOfKey(publicKeyOfDid(issuer).key);
    const isWhole = [x, y].every((one) => Buffer.from(one, 'base64url')[0] !== 0);
    if (isWhole && tokens.length < CREDENTIALS) tokens.push(token);
  }
  return {
    name: 'sphereon',
    async verify(at) {
      const verdict = await agent.verify(tokens[at % tokens.length] ?? new Uint8Array());
      if (verdict !== 'good') throw new Error(verdict);
    },
  };
}

async function bazaar(payloads: readonly string[]): Promise<VerifyingPeer> {
  const suite = 'ecdsa-rdfc-2019';
  const issuer = await bazaarIssuer(suite);
  const credentials = await Promise.all(
    payloads.map((text) => {
      const { issuer: device } = JSON.parse(text) as { issuer: string };
      return issuer.issue(JSON.parse(text.replaceAll(device, issuer.did)) as object);
    }),
  );
  return {
    name: 'digitalbazaar-vc',
    async verify(at) {
      const mistake = await bazaarVerify(credentials[at % credentials.length] ?? {}, suite);
      if (mistake !== undefined) throw new Error(mistake);
    },
  };
}

/** Signature and JSON.parse only: jose knows nothing of credentials. */
async function jose(payloads: readonly string[]): Promise<VerifyingPeer> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const header = { alg: 'ES256', typ: 'vc+jwt', cty: 'vc', kid: 'did:example:1#1' };
  const tokens = await Promise.all(
    payloads.map((text) =>
      new CompactSign(Buffer.from(text)).setProtectedHeader(header).sign(privateKey),
    ),
  );
  return {
    name: 'jose',
    async verify(at) {
      const { payload } = await compactVerify(tokens[at % tokens.length] ?? '', publicKey);
      JSON.parse(Buffer.from(payload).toString());
    },
  };
}
