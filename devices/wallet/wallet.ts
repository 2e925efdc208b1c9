/**
 * An organisation's wallet: its key, the devices that it enrolled, and the status of each. It
 * lives where the organisation says, never on the authority's host, and signs with its own key.
 */
import { strict as assert } from 'node:assert';
import { dirname, join, resolve } from 'node:path';
import type { EnrolRequest } from '../credential/enrol-request.ts';
import type { Enrolment, EnrolmentScope, Facility } from '../credential/enrolment.ts';
import { composeEnrolment } from '../credential/enrolment-wire.ts';
import { signToken } from '../credential/jws.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
  statusEntriesMin,
} from '../credential/status-list.ts';
import { credentialDigest } from '../envelope.ts';
import { EdgeError } from '../errors.ts';
import { type WebPlace, webPlaceOf } from '../identity/did-web.ts';
import type { Signer } from '../identity/signer.ts';
import { makeDirectory } from '../io/directory.ts';
import type { StoredKey } from '../io/key-store.ts';
import { openFileKeyStore } from '../io/key-store-file.ts';
import type { Clock, Random } from '../runtime.ts';
import {
  type Member,
  readWallet,
  type WalletFile,
  walletPaths,
  writeOwn,
  writeWallet,
} from './wallet-file.ts';

const KEY_LABEL = 'organisation';
const PURPOSES = ['revocation', 'suspension'] as const;
type Purpose = (typeof PURPOSES)[number];

/** Time and chance of a wallet. */
export interface WalletContext {
  readonly clock: Clock;
  readonly random: Random;
}

/** What an organisation decides about the devices that it enrols. */
export interface EnrolTerms {
  readonly facility: Facility;
  readonly scope: EnrolmentScope;
  readonly validUntilMs?: number;
}

/** A signed enrolment. */
export interface Enrolled {
  readonly member: Member;
  readonly token: Uint8Array;
}

export interface Wallet {
  readonly did: string;
  readonly name: string;
  readonly members: readonly Member[];
  /**
   * Signs an enrolment for each request. The entries of the status lists are on disk before a
   * credential exists, so that no entry is ever given twice.
   */
  enrol(requests: readonly EnrolRequest[], terms: EnrolTerms): Promise<readonly Enrolled[]>;
  /** Sets or lifts the status of an enrolment; it takes effect when it is published. */
  setStatus(index: number, change: 'revoke' | 'suspend' | 'reinstate'): Member;
  /**
   * Writes the DID document and the status lists below `root`, the root of a web server.
   * Returns the paths below it.
   */
  publish(root: string, validUntilMs?: number): Promise<readonly string[]>;
}

/**
 * Makes a wallet in `folder` for an organisation with a `did:web`.
 *
 * @throws EdgeError WALLET_EXISTS, DID_INVALID, WALLET_UNWRITABLE, KEY_…
 */
export async function createWallet(
  folder: string,
  identity: { readonly did: string; readonly name: string; readonly passphraseFile: string },
  context: WalletContext,
): Promise<Wallet> {
  const { did, name, passphraseFile } = identity;
  if (!webPlaceOf(did)) throw new EdgeError('DID_INVALID', `${did} is not a did:web`);
  if (readWallet(folder)) throw new EdgeError('WALLET_EXISTS', `making a wallet in ${folder}`);
  makeFolder(folder);
  const paths = walletPaths(folder);
  const store = await openFileKeyStore(paths.keys, passphraseFile, context.clock);
  const keyId = `${did}#key-1`;
  // A run that was cut off before the wallet's own file was written left its key behind.
  const stored =
    store.list().find((key) => key.label === KEY_LABEL && key.did === did) ??
    (await store.create(KEY_LABEL, 'ES256', { did, keyId }));
  await store.close();
  writeOwn(paths.did, `${JSON.stringify(didDocument(did, keyId, stored.publicJwk), null, 2)}\n`);
  writeWallet(folder, {
    bondlineWallet: 1,
    did,
    name,
    createdMs: context.clock.nowMs(),
    passphraseFile: resolve(passphraseFile),
    members: [],
  });
  return openWallet(folder, context);
}

/**
 * Opens the wallet in `folder`. The passphrase file is the one named when it was made, unless
 * another is given; it is read when something is signed.
 *
 * @throws EdgeError WALLET_MISSING, DOC_INVALID
 */
export function openWallet(
  folder: string,
  context: WalletContext,
  passphraseFile?: string,
): Wallet {
  const opened = readWallet(folder);
  if (!opened) throw new EdgeError('WALLET_MISSING', `opening the wallet in ${folder}`);
  let file = opened;
  const { did, name } = file;
  const place = webPlaceOf(did);
  if (!place) throw new EdgeError('DOC_INVALID', `the wallet in ${folder} is for ${did}`);

  async function withSigner<T>(use: (signer: Signer, key: StoredKey) => Promise<T>): Promise<T> {
    const passphrase = passphraseFile ?? file.passphraseFile;
    const store = await openFileKeyStore(walletPaths(folder).keys, passphrase, context.clock);
    try {
      const signer = await store.signer(KEY_LABEL);
      const key = store.list().find(({ label }) => label === KEY_LABEL);
      assert(key, 'a key that signs is listed');
      return await use(signer, key);
    } finally {
      await store.close();
    }
  }

  function save(members: readonly Member[]): void {
    const next: WalletFile = { ...file, members: [...members] };
    writeWallet(folder, next);
    file = next;
  }

  return {
    did,
    name,
    get members() {
      return file.members;
    },

    enrol: (requests, terms) =>
      withSigner(async (signer) => {
        const taken = new Set(file.members.map(({ index }) => index));
        const made: Enrolled[] = [];
        for (const request of requests) {
          const index = freeIndex(taken, context.random);
          taken.add(index);
          const enrolment = enrolmentOf(request, terms, { file, place, index, context });
          const payload = composeEnrolment(enrolment);
          const token = await signToken({ payload, signer, typ: 'vc+jwt' });
          const { device, gateway, label } = request;
          const common = { index, device, gateway, label, enrolledMs: enrolment.validFromMs };
          const digest = credentialDigest(token);
          made.push({ member: { ...common, enrolment: enrolment.id, digest }, token });
        }
        save([...file.members, ...made.map(({ member }) => member)]);
        return made;
      }),

    setStatus(index, change) {
      const member = file.members.find((one) => one.index === index);
      if (!member) throw new EdgeError('DOC_INVALID', `no enrolment has the entry ${index}`);
      const changed = withStatus(member, change, context.clock.nowMs());
      save(file.members.map((one) => (one === member ? changed : one)));
      return changed;
    },

    publish: (root, validUntilMs) =>
      withSigner(async (signer, key) => {
        const document = didDocument(did, key.keyId, key.publicJwk);
        const written = [place.documentPath];
        put(root, place.documentPath, `${JSON.stringify(document, null, 2)}\n`);
        for (const purpose of PURPOSES) {
          const payload = composeStatusList({
            id: listUrl(place, purpose),
            issuer: did,
            purpose,
            encodedList: encodeStatusList(statusBits(indexesOf(file.members, purpose))),
            validFromMs: context.clock.nowMs(),
            ...(validUntilMs !== undefined && { validUntilMs }),
          });
          const path = listPath(place, purpose);
          put(root, path, await signToken({ payload, signer, typ: 'vc+jwt' }));
          written.push(path);
        }
        return written;
      }),
  };
}

function enrolmentOf(
  request: EnrolRequest,
  terms: EnrolTerms,
  at: { file: WalletFile; place: WebPlace; index: number; context: WalletContext },
): Enrolment {
  const { device, gateway, label, profile, cadenceMs, heartbeatMs, keyLocation } = request;
  const { facility, scope, validUntilMs } = terms;
  return {
    id: `urn:uuid:${uuid(at.context.random)}`,
    organisation: at.file.did,
    organisationName: at.file.name,
    device,
    gateway,
    label,
    profile,
    facility,
    cadenceMs,
    heartbeatMs,
    keyLocation,
    scope,
    validFromMs: at.context.clock.nowMs(),
    ...(validUntilMs !== undefined && { validUntilMs }),
    status: PURPOSES.map((purpose) => ({
      purpose,
      list: listUrl(at.place, purpose),
      index: at.index,
    })),
    ...(request.supersedes !== undefined && { supersedes: request.supersedes }),
  };
}

/** A free entry, drawn at random: its number then says nothing about when a device came. */
function freeIndex(taken: ReadonlySet<number>, random: Random): number {
  if (taken.size >= statusEntriesMin) throw new EdgeError('WALLET_FULL', 'allotting an entry');
  const [a = 0, b = 0, c = 0] = random.bytes(3);
  let index = ((a << 16) | (b << 8) | c) % statusEntriesMin;
  while (taken.has(index)) index = (index + 1) % statusEntriesMin;
  return index;
}

function withStatus(
  member: Member,
  change: 'revoke' | 'suspend' | 'reinstate',
  nowMs: number,
): Member {
  const { suspendedMs: _, ...lifted } = member;
  if (change === 'revoke') return { ...member, revokedMs: member.revokedMs ?? nowMs };
  if (change === 'suspend') return { ...member, suspendedMs: member.suspendedMs ?? nowMs };
  // A revocation is for good; only a suspension can be lifted.
  if (member.revokedMs === undefined) return lifted;
  throw new EdgeError('DOC_INVALID', `${member.label} is revoked; enrol it anew instead`);
}

function indexesOf(members: readonly Member[], purpose: Purpose): number[] {
  const field = purpose === 'revocation' ? 'revokedMs' : 'suspendedMs';
  return members.filter((member) => member[field] !== undefined).map(({ index }) => index);
}

function listPath({ folder }: WebPlace, purpose: Purpose): string {
  return `${folder === '' ? '' : `${folder}/`}status/${purpose}.jwt`;
}

function listUrl(place: WebPlace, purpose: Purpose): string {
  return `${place.origin}/${listPath(place, purpose)}`;
}

function didDocument(
  did: string,
  keyId: string,
  publicJwk: Readonly<Record<string, string>>,
): object {
  return {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/jwk/v1'],
    id: did,
    verificationMethod: [
      {
        id: keyId,
        type: 'JsonWebKey',
        controller: did,
        publicKeyJwk: { ...publicJwk, alg: 'ES256' },
      },
    ],
    assertionMethod: [keyId],
  };
}

/** A version 4 UUID of our own randomness (RFC 9562 §5.4). */
function uuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function put(root: string, path: string, content: string | Uint8Array): void {
  const file = join(root, path);
  makeFolder(dirname(file));
  writeOwn(file, content);
}

/** Makes a folder and those above it. @throws EdgeError WALLET_UNWRITABLE */
export function makeFolder(folder: string): void {
  try {
    makeDirectory(folder);
  } catch (cause) {
    throw new EdgeError('WALLET_UNWRITABLE', `making the folder ${folder}`, { cause });
  }
}
