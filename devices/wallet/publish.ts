/** What an organisation publishes: static files below the root of any web server. */
import { addProof } from '../credential/proof/add-proof.ts';
import { composeStatusList, encodeStatusList, statusBits } from '../credential/status-list.ts';
import type { JsonObject } from '../credential/vcdm-values.ts';
import { formatTime } from '../runtime.ts';
import { documentTextOf } from './did-document.ts';
import { listPath, listUrl, PURPOSES, type PublicPlace, type Purpose } from './place.ts';
import type { WalletSession } from './session.ts';
import type { WalletFile } from './wallet-file.ts';

/**
 * How the lists are secured: as `vc+jwt`, or besides with a proof inside (Data Integrity). The
 * address that credentials name is that of the `vc+jwt`, so there is no form without it.
 */
export const LIST_FORMS = ['jwt', 'both'] as const;

export interface PublishOptions {
  readonly form?: (typeof LIST_FORMS)[number];
  /** After this time the lists say nothing any more. */
  readonly validUntilMs?: number;
}

/** The files, by their path below the web server's root. */
export async function publishedFiles(
  file: WalletFile,
  place: PublicPlace,
  at: {
    readonly options: PublishOptions;
    readonly session: WalletSession;
    readonly nowMs: number;
  },
): Promise<ReadonlyMap<string, string | Uint8Array>> {
  const { nowMs, options, session } = at;
  const { form = 'jwt', validUntilMs } = options;
  const files = new Map<string, string | Uint8Array>();
  files.set(place.documentPath, documentTextOf(file));
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
    files.set(listPath(place, purpose), await session.issue(payload));
    if (form === 'jwt') continue;
    const created = formatTime(nowMs);
    const proven = await addProof(JSON.parse(payload) as JsonObject, session.signer, {
      ...{ purpose: 'assertionMethod', created },
    });
    files.set(provenPath(place, purpose), `${JSON.stringify(proven, null, 2)}\n`);
  }
  return files;
}

/** Where the list with a proof inside stands below the root. */
export function provenPath(place: PublicPlace, purpose: Purpose): string {
  return listPath(place, purpose).replace(/jwt$/, 'json');
}

function indexesOf({ members, papers = [] }: WalletFile, purpose: Purpose): number[] {
  const field = purpose === 'revocation' ? 'revokedMs' : 'suspendedMs';
  return [...members, ...papers]
    .filter((one) => one[field] !== undefined)
    .map(({ index }) => index);
}
