/** What anybody may hand to a verifier: tokens, documents with proofs, presentations, evidence. */

import { readBatch } from '../../../devices/credential/batch-wire.ts';
import { composeEnrolment, readEnrolment } from '../../../devices/credential/enrolment-wire.ts';
import { signTokenNow } from '../../../devices/credential/jws.ts';
import { familyFor, readParty } from '../../../devices/credential/party/families.ts';
import { addProof } from '../../../devices/credential/proof/add-proof.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { digestOfDisclosure } from '../../../devices/credential/sd-jwt.ts';
import { conceal, withDisclosures } from '../../../devices/credential/sd-jwt-issue.ts';
import { parseBytes } from '../../../devices/credential/secured.ts';
import {
  composeStatusList,
  encodeStatusList,
  readStatusList,
  statusAt,
  statusBits,
} from '../../../devices/credential/status-list.ts';
import { parseStrictJson } from '../../../devices/credential/strict-json.ts';
import type { VerdictReport } from '../../../devices/credential/verdict.ts';
import { verifyCredential } from '../../../devices/credential/verify.ts';
import { verifyAny } from '../../../devices/credential/verify-any.ts';
import { readDidDocument } from '../../../devices/identity/did-document.ts';
import { didJwkOfPublicJwk } from '../../../devices/identity/did-jwk.ts';
import { webPlaceOf } from '../../../devices/identity/did-web.ts';
import { keyForUrl, keyOfOwnDid } from '../../../devices/identity/resolve-key.ts';
import { withBaseContexts } from '../../../devices/io/base-contexts.ts';
import { noDocuments } from '../../../devices/io/documents.ts';
import { openJsonLd } from '../../../devices/io/json-ld.ts';
import { limits } from '../../../devices/limits.ts';
import { formatTime } from '../../../devices/runtime.ts';
import { Chance } from '../../sim/chance.ts';
import { oneOfEach } from '../../support/party.ts';
import { attempt, type Outcome, outcomeOf, type Parser, refused } from '../parser.ts';
import { signing, steadyId, steadyMs, steadySigner } from '../steady.ts';
import { batchPayload, device, enrolmentTerms, organisation } from './papers.ts';

const vcContext = 'https://www.w3.org/ns/credentials/v2';

const claim = {
  '@context': [vcContext],
  id: steadyId(9),
  type: ['VerifiableCredential'],
  issuer: { id: organisation.did, name: 'Northline' },
  validFrom: formatTime(steadyMs - 60_000),
  credentialSubject: {
    id: device.did,
    name: 'a meter',
    alumniOf: [{ id: 'urn:a' }, { id: 'urn:b' }],
  },
};

const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));

/** A small text that has every mark of JSON, and numbers of every kind. */
const everyMark = Buffer.from(
  '{"a":[1,-2.5,1e3,true,false,null,"é\\n\\u00e9"],"b":{"c":{},"d":[]}, "e" : 9007199254740991}',
);

export const strictJson: Parser = {
  name: 'strict-json',
  prepare: () => ({
    seeds: [
      { bytes: everyMark },
      { bytes: bytesOf(claim) },
      { bytes: Buffer.from(batchPayload()) },
    ],
    parse: (bytes) => {
      const parsed = parseBytes(bytes);
      return isRefusal(parsed) ? refused(parsed.code) : { taken: true, value: parsed.value };
    },
    doubt: (bytes, outcome) => (outcome.taken ? jsonDoubt(bytes, outcome.value) : undefined),
  }),
};

/** What an ordinary reader says against a text that the strict one took. */
function jsonDoubt(bytes: Uint8Array, value: unknown): string | undefined {
  const text = Buffer.from(bytes).toString();
  const plain: unknown = JSON.parse(text);
  if (JSON.stringify(plain) !== JSON.stringify(value)) return 'it is read as something else';
  let [members, depth, level] = [0, 0, [plain]];
  for (; level.length > 0; depth += 1) {
    level = level
      .filter((one) => typeof one === 'object' && one !== null)
      .flatMap((one) => {
        const inner = Object.values(one as object);
        if (!Array.isArray(one)) members += inner.length;
        return inner;
      });
  }
  // One level is that of the scalars, which are not nested.
  if (depth - 1 > limits.jsonDepthMax + 1) return `it is taken and ${depth - 1} deep`;
  const colons = text.replaceAll(/"(?:[^"\\]|\\.)*"/gs, '').match(/:/g)?.length ?? 0;
  return colons === members ? undefined : 'a member stands twice, and it is taken';
}

/** The documents at hand: the organisation's and its device's enrolment. */
function documents() {
  const read = readDidDocument(organisation.document);
  const enrolment = signing(
    organisation.signer,
    'vc+jwt',
  )(Buffer.from(composeEnrolment(enrolmentTerms)));
  return {
    ...noDocuments,
    didDocument: (did: string) => (did === organisation.did && !isRefusal(read) ? read : undefined),
    enrolments: (did: string) => (did === device.did ? [enrolment] : []),
  };
}

/** A report that failed inside of us, anywhere in it, is a crash. */
function outcomeOfReport(report: VerdictReport): Outcome {
  const failed = report.code === 'VC_INTERNAL' ? report : innerFailure(report);
  if (failed) throw new Error(`it failed inside: ${failed.reason}`);
  return report.verdict === 'valid' ? { taken: true, value: report } : refused(report.code);
}

function innerFailure({ inner = [] }: VerdictReport): VerdictReport | undefined {
  for (const one of inner) {
    const failed = one.code === 'VC_INTERNAL' ? one : innerFailure(one);
    if (failed) return failed;
  }
  return undefined;
}

const options = { purpose: 'assertionMethod', created: formatTime(steadyMs - 60_000) } as const;

async function inProof(document: object): Promise<Buffer> {
  return bytesOf(
    await addProof(document as Parameters<typeof addProof>[0], organisation.signer, options),
  );
}

function verifying(
  name: string,
  seedsOf: () => Promise<Awaited<ReturnType<Parser['prepare']>>['seeds']>,
): Parser {
  return {
    name,
    prepare: async () => {
      const context = { documents: documents(), atMs: steadyMs };
      return {
        seeds: await seedsOf(),
        parse: (bytes) => outcomeOfReport(verifyCredential(bytes, context)),
      };
    },
  };
}

const signed = signing(organisation.signer, 'vc+jwt');

export const vcJwt = verifying('vc-jwt', async () => [
  { bytes: signed(bytesOf(claim)) },
  { bytes: bytesOf(claim), wrap: signed },
  { bytes: Buffer.from(batchPayload()), wrap: signing(device, 'vc+jwt') },
  { bytes: Buffer.from(composeEnrolment(enrolmentTerms)), wrap: signed },
]);

export const vcProof = verifying('vc-proof', async () => {
  const one = await inProof(claim);
  return [{ bytes: one }, { bytes: await inProof(JSON.parse(one.toString()) as object) }];
});

const presented = async () => {
  const jwt = Buffer.from(signed(bytesOf(claim))).toString();
  const enveloped = {
    '@context': [vcContext],
    type: 'EnvelopedVerifiableCredential',
    id: `data:application/vc+jwt,${jwt}`,
  };
  const presentation = {
    '@context': [vcContext],
    type: ['VerifiablePresentation'],
    holder: organisation.did,
    verifiableCredential: [enveloped, JSON.parse((await inProof(claim)).toString())],
  };
  return [{ bytes: bytesOf(presentation), wrap: signing(organisation.signer, 'vp+jwt') }];
};
export const presentation = verifying('presentation', presented);

const evidenceFiles = async () => {
  const jwt = Buffer.from(signed(bytesOf(claim))).toString();
  const file = {
    bondlineEvidence: 1,
    credentials: [jwt, JSON.parse((await inProof(claim)).toString())],
    documents: [organisation.document],
  };
  return [{ bytes: bytesOf(file) }, { bytes: bytesOf([jwt, jwt]) }];
};
export const evidence = verifying('evidence', evidenceFiles);

export const sdJwt = verifying('sd-jwt', async () => {
  const paths = [
    ['credentialSubject', 'name'],
    ['credentialSubject', 'alumniOf', '*'],
  ];
  const made = conceal(JSON.stringify(claim), paths, { random: new Chance(1), decoys: true });
  const typ = 'vc+sd-jwt' as const;
  const sign = (payload: Uint8Array, disclosures: readonly string[]) =>
    withDisclosures(
      signTokenNow({ payload: Buffer.from(payload).toString(), signer: organisation.signer, typ }),
      disclosures,
    );
  const shown = made.disclosures.map((one) => JSON.parse(Buffer.from(one, 'base64url').toString()));
  return [
    { bytes: sign(Buffer.from(made.payload), made.disclosures) },
    { bytes: Buffer.from(made.payload), wrap: (payload) => sign(payload, made.disclosures) },
    // What is disclosed changes, and the digests with it.
    { bytes: bytesOf(shown), wrap: (bytes) => redisclosed(bytes, sign) },
  ];
});

/** A claim whose disclosures are what these bytes list, each named where it belongs. */
function redisclosed(
  bytes: Uint8Array,
  sign: (payload: Uint8Array, disclosures: readonly string[]) => Uint8Array,
): Uint8Array {
  let said: unknown;
  try {
    said = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    said = [Buffer.from(bytes).toString('latin1')];
  }
  const list = (Array.isArray(said) ? said : [said]).map((one) => ({
    isElement: Array.isArray(one) && one.length === 2,
    text: Buffer.from(JSON.stringify(one) ?? '').toString('base64url'),
  }));
  const x = list
    .filter((one) => one.isElement)
    .map(({ text }) => ({ '...': digestOfDisclosure(text) }));
  const _sd = list.filter((one) => !one.isElement).map(({ text }) => digestOfDisclosure(text));
  const payload = { ...claim, credentialSubject: { id: device.did, x, _sd }, _sd_alg: 'sha-256' };
  return sign(
    bytesOf(payload),
    list.map(({ text }) => text),
  );
}

export const vcRdf: Parser = {
  name: 'vc-rdf',
  cachesMiB: 16,
  prepare: async () => {
    const canonize = openJsonLd(await withBaseContexts(new Map()));
    const context = { documents: documents(), atMs: steadyMs };
    const proof = JSON.parse((await inProof(claim)).toString()) as { proof: object };
    // Its signature is of another suite, so it is refused, after all the work was done.
    const document = bytesOf({
      ...proof,
      proof: { ...proof.proof, cryptosuite: 'eddsa-rdfc-2022' },
    });
    return {
      seeds: [{ bytes: await inProof(claim) }, { bytes: document, isRefused: true }],
      parse: async (bytes) => outcomeOfReport(await verifyAny(bytes, context, canonize)),
    };
  },
};

export const didDocument: Parser = {
  name: 'did-document',
  prepare: () => ({
    seeds: [{ bytes: bytesOf(organisation.document) }],
    parse: (bytes) => {
      const parsed = parseStrictJson(Buffer.from(bytes).toString());
      if (isRefusal(parsed)) return refused(parsed.code);
      const document = readDidDocument(parsed.value);
      if (isRefusal(document)) return refused(document.code);
      const at = { didDocument: () => document };
      for (const { id } of document.methods) keyForUrl(at, id, 'assertionMethod', steadyMs);
      return outcomeOf(document);
    },
  }),
};

export const did: Parser = {
  name: 'did',
  prepare: () => {
    const [method] = organisation.document.verificationMethod;
    const jwk = didJwkOfPublicJwk(
      method && 'publicKeyJwk' in method ? (method.publicKeyJwk ?? {}) : {},
    );
    const texts = [device.did, steadySigner(5).did, jwk, 'did:web:mill.example%3A8443:facility:a'];
    return {
      seeds: texts.map((text) => ({ bytes: Buffer.from(text) })),
      parse: (bytes) =>
        attempt(() => {
          const text = Buffer.from(bytes).toString();
          keyForUrl(noDocuments, text, 'authentication', steadyMs);
          return keyOfOwnDid(text) ?? webPlaceOf(text, ['localhost']);
        }),
    };
  },
};

export const statusList: Parser = {
  name: 'status-list',
  // Lists that were looked into lately stay unpacked, up to a mebibyte each.
  cachesMiB: (limits.statusListsCached * limits.statusListBytesMax) / (1024 * 1024),
  prepare: () => {
    const encodedList = encodeStatusList(statusBits([7, 4_711]));
    const list = { id: 'https://northline.example/status/1', issuer: organisation.did };
    const payload = composeStatusList({
      ...list,
      purpose: 'revocation',
      encodedList,
      validFromMs: steadyMs,
    });
    const bomb = encodeStatusList(new Uint8Array(limits.statusListBytesMax));
    const parse = (bytes: Uint8Array): Outcome => {
      const parsed = parseStrictJson(Buffer.from(bytes).toString());
      if (isRefusal(parsed)) return refused(parsed.code);
      const read = readStatusList(parsed.value, 'https://northline.example/status/2');
      if (isRefusal(read)) return refused(read.code);
      const bit = statusAt(read.encodedList, 7);
      return typeof bit === 'number' ? outcomeOf({ ...read, bit }) : refused(bit.code);
    };
    return {
      seeds: [
        { bytes: Buffer.from(payload) },
        { bytes: Buffer.from(payload.replace(encodedList, bomb)) },
      ],
      parse,
    };
  },
};

/** Payloads of every kind, without the signature around them. */
export const claims: Parser = {
  name: 'claims',
  prepare: () => {
    const papers = Object.values(oneOfEach()).map((statement, index) => {
      const fixed = { ...statement, id: steadyId(index) } as typeof statement;
      return Buffer.from(familyFor(fixed).compose(fixed));
    });
    const payloads = [Buffer.from(batchPayload()), Buffer.from(composeEnrolment(enrolmentTerms))];
    return {
      seeds: [...papers, ...payloads].map((bytes) => ({ bytes })),
      parse: (bytes) => {
        const parsed = parseStrictJson(Buffer.from(bytes).toString());
        if (isRefusal(parsed)) return refused(parsed.code);
        const { value } = parsed;
        if (typeof value !== 'object' || value === null) return refused('VC_SCHEMA');
        const party = readParty(value as Readonly<Record<string, unknown>>);
        if (party !== undefined) return outcomeOf(party);
        const batch = readBatch(value);
        return isRefusal(batch) ? outcomeOf(readEnrolment(value)) : outcomeOf(batch);
      },
    };
  },
};
