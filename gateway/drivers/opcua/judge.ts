/**
 * Whether a server's certificate may be believed: the steps of OPC 10000-4 §6.1.3 in their order.
 * The answer is the first objection, as a sentence that an operator can act on.
 */
import type { X509Certificate } from 'node:crypto';
import { limits } from '../../../devices/limits.ts';
import { formatTime } from '../../../devices/runtime.ts';
import {
  alternativeNames,
  fingerprint,
  isSelfSigned,
  isSignedBy,
  nameOnOneLine,
  namesHost,
  permits,
  signatureAlgorithm,
} from './certificate.ts';
import { isListOf, revokedAtMs } from './revocation.ts';
import type { TrustList } from './trust-list.ts';

/** What a site may accept with open eyes; it is said at every connection. */
export const tolerances = ['expired', 'host', 'no-crl'] as const;
export type Tolerance = (typeof tolerances)[number];

export interface Objection {
  /** Continues "the certificate …". */
  readonly sentence: string;
  /** Whether trusting this very certificate would help. */
  readonly trustHelps: boolean;
  /** Set where a site may tolerate it. */
  readonly tolerance?: Tolerance;
}

export interface Judged {
  /** As shown: the server's, then those that signed it. At least one. */
  readonly chain: readonly X509Certificate[];
  readonly trust: TrustList;
  /** The one certificate that the configuration names, where it names one. */
  readonly pinned: X509Certificate | undefined;
  /** Host of the url that was connected to. */
  readonly host: string;
  /** What the server says it is; absent: not compared. */
  readonly applicationUri: string | undefined;
  readonly nowMs: number;
}

const SHA1_OR_OLDER: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.2': 'MD2',
  '1.2.840.113549.1.1.4': 'MD5',
  '1.2.840.113549.1.1.5': 'SHA-1',
};
/** The least that OPC 10000-7 asks for in every policy that is offered. */
const KEY_BITS_MIN = 2_048;
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ANY_USE = '2.5.29.37.0';

/**
 * All objections in the standard's order; empty where there is none. Those after the first matter
 * only where a site tolerates the first.
 */
export function objectionsTo(judged: Judged): Objection[] {
  const { chain } = judged;
  const [shown] = chain;
  if (!shown) return [{ sentence: 'is not there', trustHelps: false }];
  const built = buildChain(judged);
  const direct = isTrustedDirectly(shown, judged);
  return [
    ...policyObjections(built.chain),
    ...trustObjections(built, direct, judged),
    ...timeObjections(built.chain, judged.nowMs),
    ...nameObjections(shown, judged),
    ...useObjections(built.chain),
    ...revocationObjections(built.chain, direct, judged),
  ];
}

interface BuiltChain {
  readonly chain: readonly X509Certificate[];
  /** Whose certificate was not found, where the chain does not end in one that signed itself. */
  readonly missing?: string;
}

/** Follows the signatures upwards through what was shown and what lies in the folder. */
function buildChain({ chain: shown, trust, pinned }: Judged): BuiltChain {
  const candidates = [...trust.trusted, ...trust.issuers, ...shown.slice(1)];
  if (pinned) candidates.push(pinned);
  const chain: X509Certificate[] = [];
  let at = shown[0];
  while (at && chain.length < limits.opcuaChainMax) {
    chain.push(at);
    if (isSelfSigned(at)) return { chain };
    const below = at;
    at = candidates.find((candidate) => isSignedBy(below, candidate));
  }
  return { chain, missing: nameOnOneLine(chain.at(-1)?.issuer ?? '') };
}

function isTrustedDirectly(shown: X509Certificate, { pinned, trust }: Judged): boolean {
  if (pinned) return pinned.raw.equals(shown.raw);
  return trust.trusted.some((trusted) => trusted.raw.equals(shown.raw));
}

function policyObjections(chain: readonly X509Certificate[]): Objection[] {
  return chain.flatMap((certificate, index) => {
    const old = SHA1_OR_OLDER[signatureAlgorithm(certificate)];
    // Nobody relies on the signature that a root puts on itself.
    if (old !== undefined && !(index > 0 && index === chain.length - 1)) {
      return [objection(`${whose(index)} was signed with ${old}, which can be forged`)];
    }
    const { asymmetricKeyDetails: details, asymmetricKeyType: type } = certificate.publicKey;
    if (index === 0 && type !== 'rsa') {
      return [objection(`has a key of the kind ${String(type)}; the policies here need RSA`)];
    }
    const bits = details?.modulusLength;
    if (bits === undefined || bits >= KEY_BITS_MIN) return [];
    return [objection(`${whose(index)} has a key of ${bits} bits; the least is ${KEY_BITS_MIN}`)];
  });
}

/** The subject of a sentence that continues "the certificate …": itself, or who signed it. */
function whose(index: number): string {
  return index === 0 ? '' : ISSUER;
}
const ISSUER = 'was signed by one that';

function objection(sentence: string, tolerance?: Tolerance): Objection {
  // Names are the server's own words, and a terminal would obey what stands in them.
  const shown = sentence.trim().replace(/\p{Control}/gu, '?');
  return { sentence: shown, trustHelps: false, ...(tolerance && { tolerance }) };
}

function trustObjections(
  { chain, missing }: BuiltChain,
  direct: boolean,
  { pinned, trust }: Judged,
): Objection[] {
  if (direct) return [];
  if (pinned) {
    const sentence = `is not the pinned one, ${fingerprint(pinned.raw)}`;
    return [{ sentence, trustHelps: false }];
  }
  const authorities = chain.slice(1);
  if (authorities.some((one) => trust.trusted.some((trusted) => trusted.raw.equals(one.raw)))) {
    return missing === undefined
      ? []
      : [{ sentence: `has a chain that ends before ${missing}`, trustHelps: true }];
  }
  const signers = authorities.map((one) => nameOnOneLine(one.subject)).join(', then ');
  if (signers !== '') {
    return [{ sentence: `is not trusted, nor is who signed it: ${signers}`, trustHelps: true }];
  }
  const by = missing === undefined ? '' : `; who signed it, ${missing}, is not known either`;
  return [{ sentence: `is not trusted by anyone here${by}`, trustHelps: true }];
}

function timeObjections(chain: readonly X509Certificate[], nowMs: number): Objection[] {
  return chain.flatMap((certificate, index) => {
    const fromMs = certificate.validFromDate.getTime();
    const toMs = certificate.validToDate.getTime();
    if (toMs <= nowMs) {
      return [objection(`${whose(index)} expired on ${formatTime(toMs)}`, 'expired')];
    }
    if (fromMs <= nowMs) return [];
    const clock = `the clock of this gateway says ${formatTime(nowMs)}`;
    return [objection(`${whose(index)} is not valid before ${formatTime(fromMs)}; ${clock}`)];
  });
}

function nameObjections(shown: X509Certificate, judged: Judged): Objection[] {
  const { applicationUri, host } = judged;
  const { dns, ips, uris } = alternativeNames(shown);
  const found: Objection[] = [];
  if (!namesHost(shown, host)) {
    const names = [...dns, ...ips].join(', ') || 'no host at all';
    found.push(objection(`is for another host: it names ${names}, and not ${host}`, 'host'));
  }
  if (applicationUri !== undefined && uris[0] !== applicationUri) {
    const own = uris[0] ?? 'no application at all';
    found.push(
      objection(`is for another application: it names ${own}, and the server ${applicationUri}`),
    );
  }
  return found;
}

function useObjections(chain: readonly X509Certificate[]): Objection[] {
  return chain.flatMap((certificate, index) => {
    if (index > 0) {
      if (certificate.ca && permits(certificate, 'keyCertSign')) return [];
      return [
        objection(`${ISSUER} may not sign for others: ${nameOnOneLine(certificate.subject)}`),
      ];
    }
    // OPC 10000-6 §6.2.2: the channel signs and encrypts with this key.
    const needed = ['digitalSignature', 'keyEncipherment', 'dataEncipherment'] as const;
    const missing = needed.filter((use) => !permits(certificate, use));
    if (missing.length > 0) {
      return [objection(`has a key that is not for this use: it lacks ${missing.join(', ')}`)];
    }
    const uses: readonly string[] | undefined = certificate.keyUsage;
    if (!uses || uses.includes(SERVER_AUTH) || uses.includes(ANY_USE)) return [];
    return [objection('is not for a server: its extended key usage lacks serverAuth')];
  });
}

/**
 * Every certificate but the root is looked up in its issuer's lists. Who trusted the server's own
 * certificate by hand needs no list, but one that is there counts.
 */
function revocationObjections(
  chain: readonly X509Certificate[],
  direct: boolean,
  { nowMs, trust }: Judged,
): Objection[] {
  return chain.slice(0, -1).flatMap((certificate, index) => {
    const issuer = chain[index + 1];
    if (!issuer) return [];
    const lists = trust.revocations.filter((list) => isListOf(list, issuer));
    const revokedMs = lists
      .map((list) => revokedAtMs(list, certificate))
      .find((at) => at !== undefined);
    const name = nameOnOneLine(issuer.subject);
    if (revokedMs !== undefined) {
      const when = formatTime(revokedMs);
      return [objection(`${whose(index)} was revoked on ${when} by ${name}`)];
    }
    if (direct) return [];
    if (lists.length === 0) {
      const command = 'bondline-gateway opcua-trust CONFIG add CRL-FILE';
      const sentence = `${whose(index)} cannot be looked up: there is no revocation list of ${name}`;
      return [unlisted(`${sentence}; add it with ${command}`)];
    }
    const newestMs = Math.max(...lists.map((list) => list.nextUpdateMs ?? Number.MAX_VALUE));
    if (newestMs > nowMs) return [];
    const since = formatTime(newestMs);
    const sentence = `${whose(index)} cannot be looked up: the revocation list of ${name}`;
    return [unlisted(`${sentence} ran out on ${since}`)];
  });
}

/** Who trusts the server's own certificate by hand needs no list. */
function unlisted(sentence: string): Objection {
  return { sentence: sentence.trim(), trustHelps: true, tolerance: 'no-crl' };
}
