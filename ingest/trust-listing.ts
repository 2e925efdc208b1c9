/** Whom we trust, for people: organisations and status lists whole, enrolments page by page. */
import { readEnrolment } from '../devices/credential/enrolment-wire.ts';
import { openToken } from '../devices/credential/jws.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { limits } from '../devices/limits.ts';
import type { TrustBook } from './trust.ts';

/** Which enrolments of a listing: there may be a million. */
export interface ListPage {
  /** Journal position from which on; default: the first. */
  readonly from?: number;
  /** At most this many. */
  readonly count?: number;
}

/** Whom we trust, for people. */
export interface TrustListing {
  readonly organisations: readonly {
    readonly did: string;
    readonly digest: string;
    readonly name?: string;
  }[];
  readonly enrolments: readonly {
    readonly device: string;
    readonly label: string;
    readonly organisation: string;
    readonly gateway: string;
    readonly id: string;
  }[];
  readonly statusLists: readonly { readonly id: string; readonly issuer: string }[];
  /** How many enrolments there are on all pages. */
  readonly enrolmentCount: number;
  /** `from` of the next page, where there is one. */
  readonly next?: number;
}

/** One page, from the book and the journal behind it. */
export function listingOf(
  { organisations, statusLists, index }: TrustBook,
  { from = 0, count = limits.trustPageDefault }: ListPage,
): TrustListing {
  const size = Math.min(count, limits.trustPageMax);
  // One more than is shown says whether there is another page, and where it begins.
  const page = index?.enrolmentPage(from, size + 1) ?? [];
  const next = page.length > size ? page.at(-1)?.position : undefined;
  return {
    organisations: [...organisations.values()].map(({ did, digest, name }) => {
      return { did, digest, ...(name && { name }) };
    }),
    enrolments: page.slice(0, size).flatMap(({ bytes }) => {
      const opened = openToken(bytes, limits.credentialBytesMax);
      const enrolment = isRefusal(opened) ? opened : readEnrolment(opened.payload);
      if (isRefusal(enrolment)) return [];
      const { device, label, organisation, gateway, id } = enrolment;
      return [{ device, label, organisation, gateway, id }];
    }),
    statusLists: [...statusLists.values()].map(({ list, issuer }) => ({ id: list.id, issuer })),
    enrolmentCount: index?.enrolmentCount() ?? 0,
    ...(next !== undefined && { next }),
  };
}
