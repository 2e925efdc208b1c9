/** The names that our credentials use: contexts, types and how a payload shows what it is. */

/** Namespace of our own terms; `bl:` abbreviates it. */
export const bondlineTerms = 'https://w3id.org/bondline/v1#';

/** W3C VCDM 2.0 §4.3: always the first context. */
export const credentialsContext = 'https://www.w3.org/ns/credentials/v2';

/** GS1 EPCIS 2.0. */
export const epcisContext = 'https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld';

/** W3C CCG traceability vocabulary 1.0. */
export const traceabilityContext = 'https://w3id.org/traceability/v1';

/** Our own, published as docs/contexts/bondline-v1.jsonld. */
export const bondlineContext = 'https://w3id.org/bondline/v1';

export const credentialTypes = {
  batch: 'SensorBatchCredential',
  enrolment: 'DeviceEnrolmentCredential',
  statusList: 'BitstringStatusListCredential',
} as const;

/** What a payload says it is; nothing is checked yet. */
export type CredentialKind = keyof typeof credentialTypes | 'other';

/** The kind of a payload, by its `type`. */
export function credentialKindOf(payload: Readonly<Record<string, unknown>>): CredentialKind {
  const { type } = payload as { type?: unknown };
  if (!Array.isArray(type)) return 'other';
  if (type.includes(credentialTypes.batch)) return 'batch';
  if (type.includes(credentialTypes.enrolment)) return 'enrolment';
  if (type.includes(credentialTypes.statusList)) return 'statusList';
  return 'other';
}
