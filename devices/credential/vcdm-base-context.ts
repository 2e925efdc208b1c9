/**
 * The terms of the base context of VCDM 2.0 (§B.1), so that nobody gives them another meaning even
 * where the context itself is not at hand: names and IRIs only, all of them protected.
 */
import type { ContextSource } from './json-ld-context.ts';
import { credentialsContext } from './vocabulary.ts';

const CREDENTIALS = 'https://www.w3.org/2018/credentials#';
const SECURITY = 'https://w3id.org/security#';
const SCHEMA_ORG = 'https://schema.org/';
const STATUS = 'https://www.w3.org/ns/credentials/status#';

const named = (base: string, names: readonly string[]): readonly (readonly [string, string])[] =>
  names.map((name) => [name, `${base}${name}`]);

const credentialTerms = [
  ...['VerifiableCredential', 'EnvelopedVerifiableCredential', 'VerifiablePresentation'],
  ...['EnvelopedVerifiablePresentation', 'JsonSchemaCredential', 'JsonSchema', 'digestSRI'],
];
const statusTerms = [
  'BitstringStatusListCredential',
  'BitstringStatusList',
  'BitstringStatusListEntry',
];

const document = {
  '@context': Object.fromEntries([
    ['@protected', true],
    ['id', '@id'],
    ['type', '@type'],
    ['mediaType', `${SCHEMA_ORG}encodingFormat`],
    ...named(SCHEMA_ORG, ['name', 'description']),
    ...named(CREDENTIALS, credentialTerms),
    ...named(STATUS, statusTerms),
    ...named(SECURITY, ['DataIntegrityProof', 'digestMultibase']),
  ]),
};

/** A source that knows the base context, where the one that is given does not. */
export function withBaseContext(source: ContextSource | undefined): ContextSource {
  return (url) => source?.(url) ?? (url === credentialsContext ? document : undefined);
}
