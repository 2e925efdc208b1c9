/** What an organisation publishes: static files below the root of any web server. */
import { addProof } from '../credential/proof/add-proof.ts';
import { composeStatusList, encodeStatusList, statusBits } from '../credential/status-list.ts';
import type { JsonObject } from '../credential/vcdm-values.ts';
import type { WebPlace } from '../identity/did-web.ts';
import { formatTime } from '../runtime.ts';
import { didDocumentOf } from './did-document.ts';
import type { WalletSession } from './session.ts';
import type { WalletFile } from './wallet-file.ts';

export const PURPOSES = ['revocation', 'suspension'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** How the lists are secured: as `vc+jwt`, with a proof inside (Data Integrity), or both. */
export const LIST_FORMS = ['jwt', 'data-integrity', 'both'] as const;

export interface PublishOptions {
  readonly form?: (typeof LIST_FORMS)[number];
  /** After this time the lists say nothing any more. */
  readonly validUntilMs?: number;
}

/** The files, by their path below the web server's root. */
export async function publishedFiles(
  file: WalletFile,
  place: WebPlace,
  at: {
    readonly options: PublishOptions;
    readonly session: WalletSession;
    readonly nowMs: number;
  },
): Promise<ReadonlyMap<string, string | Uint8Array>> {
  const { nowMs, options, session } = at;
  const { form = 'jwt', validUntilMs } = options;
  const files = new Map<string, string | Uint8Array>();
  files.set(place.documentPath, `${JSON.stringify(didDocumentOf(file), null, 2)}\n`);
  for (const purpose of PURPOSES) {
    const payload = composeStatusList({
      id: listUrl(place, purpose),
      issuer: file.did,
      purpose,
      encodedList: encodeStatusList(statusBits(indexesOf(file, purpose))),
      validFromMs: nowMs,
      ...(validUntilMs !== undefined && { validUntilMs }),
    });
    // Both name the same list: whoever looks it up takes the form that he reads.
    const path = listPath(place, purpose);
    if (form !== 'data-integrity') files.set(path, await session.issue(payload));
    if (form === 'jwt') continue;
    const created = formatTime(nowMs);
    const proven = await addProof(JSON.parse(payload) as JsonObject, session.signer, {
      ...{ purpose: 'assertionMethod', created },
    });
    files.set(path.replace(/jwt$/, 'json'), `${JSON.stringify(proven, null, 2)}\n`);
  }
  return files;
}

/** Where the list of a purpose is to be found. */
export function listUrl(place: WebPlace, purpose: Purpose): string {
  return `${place.origin}/${listPath(place, purpose)}`;
}

function listPath({ folder }: WebPlace, purpose: Purpose): string {
  return `${folder === '' ? '' : `${folder}/`}status/${purpose}.jwt`;
}

function indexesOf({ members, papers = [] }: WalletFile, purpose: Purpose): number[] {
  const field = purpose === 'revocation' ? 'revokedMs' : 'suspendedMs';
  return [...members, ...papers]
    .filter((one) => one[field] !== undefined)
    .map(({ index }) => index);
}
