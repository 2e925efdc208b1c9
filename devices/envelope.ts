/** What the two halves put around a credential on the wire: topics and the digest that names it. */
import { digestMultibase } from './profile.ts';

/** First levels of every topic; the version changes when the wire form does. */
const ROOT = 'bondline/v1';

/** Where gateway `fingerprint` publishes credentials (QoS 1, never retained). */
export function uplinkTopic(fingerprint: string): string {
  return `${ROOT}/${fingerprint}/up`;
}

/** Where the ingester publishes signed receipts for gateway `fingerprint`. */
export function receiptTopic(fingerprint: string): string {
  return `${ROOT}/${fingerprint}/down`;
}

/** Subscription filter of all uplinks. */
export const uplinkFilter = `${ROOT}/+/up`;

/** The gateway fingerprint of an uplink topic, or `undefined` for any other topic. */
export function fingerprintOfTopic(topic: string): string | undefined {
  const [first, second, fingerprint, leaf, ...rest] = topic.split('/');
  if (`${first}/${second}` !== ROOT || leaf !== 'up' || rest.length > 0) return undefined;
  return fingerprint === '' ? undefined : fingerprint;
}

/** The part of a `did:key` after the method: short, and fit for a topic level. */
export function fingerprintOfDid(did: string): string {
  return did.slice(did.lastIndexOf(':') + 1);
}

const DOT = 0x2e;

/**
 * The digest that names a credential everywhere: SHA-256 of its signing input, that is of the
 * bytes before the last dot (all bytes where there is none). The signature is left out because a
 * second valid one can be made of it without the key: (r, n−s) verifies too.
 */
export function credentialDigest(token: Uint8Array): string {
  const end = token.lastIndexOf(DOT);
  return digestMultibase(end < 0 ? token : token.subarray(0, end));
}
