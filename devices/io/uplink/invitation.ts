/**
 * An invitation: the file by which a gateway learns where its ingester is and pins the two things
 * that prove it, the key of its receipts and the authority of its certificates.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { EdgeError } from '../../errors.ts';
import { isDidKey } from '../../identity/did-key.ts';
import { compileChecker, type Static, Type } from '../../schema.ts';

const INVITATION_BYTES_MAX = 16 * 1024;

const invitationSchema = Type.Object(
  {
    bondlineInvitation: Type.Literal(1),
    /** Name of the ingester, for people. */
    name: Type.String({ maxLength: 64 }),
    /** DID of the key that signs receipts. */
    ingester: Type.String({ maxLength: 128 }),
    /** Where certificates are given out, `https://HOST:PORT`. */
    certificates: Type.String({ pattern: '^https://[^/\\s]+$', maxLength: 300 }),
    /** Ways in, the preferred one first: `https://HOST:PORT`, `mqtts://HOST:PORT`. */
    uplinks: Type.Array(Type.String({ pattern: '^(https|mqtts)://[^/\\s]+$', maxLength: 300 }), {
      minItems: 1,
      maxItems: 16,
    }),
    /** Certificate of the authority, PEM: nobody else's is believed. */
    authority: Type.String({ maxLength: 8_192 }),
  },
  { additionalProperties: false },
);

/** What an invitation says. */
export type Invitation = Static<typeof invitationSchema>;

const isInvitation = compileChecker(invitationSchema);

/** The text of an invitation. */
export function formatInvitation(invitation: Invitation): string {
  return `${JSON.stringify(invitation, null, 2)}\n`;
}

/** The invitation in a file. @throws EdgeError GW_INVITATION_UNREADABLE */
export function readInvitation(file: string): Invitation {
  const what = `reading the invitation ${file}`;
  try {
    const text = readFileSync(file, 'utf8');
    if (text.length > INVITATION_BYTES_MAX) throw new Error('it is too long');
    const value: unknown = JSON.parse(text);
    if (!isInvitation(value)) throw new Error('it does not have the form of one');
    if (!isDidKey(value.ingester)) throw new Error(`${value.ingester} is no did:key`);
    if (!new X509Certificate(value.authority).ca) throw new Error('its authority is none');
    return value;
  } catch (cause) {
    throw new EdgeError('GW_INVITATION_UNREADABLE', what, { cause });
  }
}

/** SHA-256 of the authority's certificate, as people compare it over the telephone. */
export function fingerprintOfAuthority({ authority }: Pick<Invitation, 'authority'>): string {
  return new X509Certificate(authority).fingerprint256;
}
