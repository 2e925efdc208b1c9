/** Why there is no session, as a sentence for the operator. All pure. */
import { type MqttConnack, type MqttDisconnect, reasonText } from '../../mqtt-client.ts';
import { networkWords } from '../network-words.ts';

/** Codes of TLS, in words; others stand for themselves. */
const WORDS: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: "the broker's certificate is signed by nobody in caFile",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the broker's certificate signs itself and is not in caFile",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the broker's certificate is signed by nobody in caFile",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the broker's certificate is signed by nobody in caFile",
  CERT_SIGNATURE_FAILURE: "the broker's certificate is not signed by what is in caFile",
  CERT_HAS_EXPIRED: "the broker's certificate has expired",
  CERT_NOT_YET_VALID: "the broker's certificate is not valid yet; is this machine's clock right?",
  CERT_REVOKED: "the broker's certificate was revoked",
  ERR_TLS_CERT_ALTNAME_INVALID: "the broker's certificate is for another host; see serverName",
  ERR_SSL_WRONG_VERSION_NUMBER: 'the broker does not speak TLS at this port',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the broker asks for a certFile and a keyFile',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'the broker refused the TLS handshake',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the broker does not know who signed our certFile',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'our certFile has expired, says the broker',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'the broker refused our certFile',
};

/** Return codes of CONNACK that mean "not this version" in MQTT 3.1.1 and 5. */
const WRONG_VERSIONS: readonly unknown[] = [1, 132];

/** Of an error that the client reported. */
export function reasonOfError(error: Error): string {
  const code: unknown = 'code' in error ? error.code : undefined;
  if (typeof code === 'string') {
    const network = networkWords(code, 'the broker');
    if (network !== undefined) return network;
    const words = WORDS[code];
    return words === undefined ? `${error.message || code} (${code})` : `${words} (${code})`;
  }
  if (typeof code !== 'number') return error.message;
  if (WRONG_VERSIONS.includes(code)) {
    return `the broker does not speak this version of MQTT: change "version" (code ${code})`;
  }
  return `the broker refused the connection: ${reasonText(code)}`;
}

const SESSION_TAKEN_OVER = 142;

/** Of a DISCONNECT that the broker sent (MQTT 5). */
export function reasonOfDisconnect(packet: MqttDisconnect, clientId: string): string {
  const { properties, reasonCode = 0 } = packet;
  const said = properties?.reasonString ? `: ${properties.reasonString}` : '';
  const taken =
    reasonCode === SESSION_TAKEN_OVER ? `; somebody else uses the client id ${clientId}` : '';
  return `the broker ended the connection: ${reasonText(reasonCode)}${said}${taken}`;
}

/** Whether a reason is the broker's word, not that nobody answers. */
export function saysRefused(reason: string): boolean {
  return reason.startsWith('the broker refused the subscription');
}

/** Granted QoS from here on means refusal [MQTT-3.9.3-2]. */
const REFUSED = 128;

/** Why a subscription does not stand, or `undefined` when all do. */
export function reasonOfRefusal(
  { topics, qos }: { readonly topics: readonly string[]; readonly qos: number },
  error: Error | null,
  granted: readonly unknown[] | undefined,
): string | undefined {
  const codes = (granted ?? []).map(Number);
  const at = codes.findIndex((code) => code >= REFUSED);
  if (at >= 0) {
    const why = codes[at] === REFUSED ? '' : `: ${reasonText(codes[at] ?? REFUSED)}`;
    return `the broker refused the subscription to ${topics[at]}${why}`;
  }
  if (error) return `the broker refused the subscription: ${error.message}`;
  // It may [MQTT-3.8.4-6]; but then it would keep less for us than the configuration promises.
  const least = codes.findIndex((code) => code < qos);
  if (least < 0) return undefined;
  return `the broker grants QoS ${codes[least]} at most to ${topics[least]}, and ${qos} is asked for`;
}

/** What a broker of MQTT 5 says it cannot do and we need, or `undefined`. */
export function accepted(
  properties: MqttConnack['properties'],
  { qos = 1, topics }: { readonly qos?: number; readonly topics: readonly string[] },
): string | undefined {
  if (properties === undefined) return undefined;
  const { maximumQoS, sharedSubscriptionAvailable, wildcardSubscriptionAvailable } = properties;
  if (sharedSubscriptionAvailable === false && topics.some((topic) => topic.startsWith('$share/')))
    return 'the broker has no shared subscriptions';
  if (wildcardSubscriptionAvailable === false && topics.some((topic) => /[+#]/.test(topic)))
    return 'the broker takes no wildcards in a subscription';
  if (maximumQoS !== undefined && maximumQoS < qos)
    return `the broker offers QoS ${maximumQoS} at most, and ${qos} is asked for`;
  return undefined;
}
