/** Where an organisation's files stand on the web: its DID document, and its status lists. */
import { EdgeError } from '../errors.ts';
import { webPlaceOf } from '../identity/did-web.ts';
import type { WalletFile } from './wallet-file.ts';

export const PURPOSES = ['revocation', 'suspension'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** A place on a web server; paths are below its root and have no slash in front. */
export interface PublicPlace {
  /** `https://` and the host, with its port where there is one. */
  readonly origin: string;
  readonly documentPath: string;
  /** Folder of the lists; empty for the root. */
  readonly statusFolder: string;
}

/** A path segment that cannot climb and needs no escapes, so that a file can have its name. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._~-]{1,64}$/;
const SEGMENTS_MAX = 8;

/**
 * The place of a wallet: the one that its `did:web` names, or, where the identity is a key, the
 * address that it was given for its lists.
 *
 * @throws EdgeError WALLET_STATUS_URL when it was given none
 */
export function publicPlaceOf({
  did,
  statusUrl,
}: Pick<WalletFile, 'did' | 'statusUrl'>): PublicPlace {
  const web = webPlaceOf(did);
  if (web !== undefined) {
    const { origin, documentPath, folder } = web;
    return { origin, documentPath, statusFolder: below(folder, 'status') };
  }
  const place = statusUrl === undefined ? undefined : placeOfUrl(statusUrl);
  if (place === undefined) {
    throw new EdgeError('WALLET_STATUS_URL', `the wallet is for ${did.slice(0, 100)}`);
  }
  return place;
}

/** The place that `--status-url` names, or `undefined` when it is no plain https address. */
export function placeOfUrl(text: string): PublicPlace | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return undefined;
  const statusFolder = url.pathname.replace(/^\/|\/$/g, '');
  const segments = statusFolder === '' ? [] : statusFolder.split('/');
  // What the URL parser had to mend, other readers of the credential would mend otherwise.
  const isPlain =
    `${url.origin}${statusFolder === '' ? '' : '/'}${statusFolder}` === text.replace(/\/$/, '');
  const isPath = segments.length <= SEGMENTS_MAX && segments.every((one) => SEGMENT.test(one));
  if (url.protocol !== 'https:' || !isPlain || !isPath) return undefined;
  const place = { origin: url.origin, documentPath: below(statusFolder, 'did.json'), statusFolder };
  return listUrl(place, 'revocation').length <= URL_MAX ? place : undefined;
}

/** Longest URL that an enrolment names (its schema's `uri`). */
const URL_MAX = 512;

/** Where the list of a purpose stands below the root, as credentials name it. */
export function listPath({ statusFolder }: PublicPlace, purpose: Purpose): string {
  return below(statusFolder, `${purpose}.jwt`);
}

/** The address under which credentials name the list of a purpose. */
export function listUrl(place: PublicPlace, purpose: Purpose): string {
  return `${place.origin}/${listPath(place, purpose)}`;
}

function below(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
