/**
 * A party's credential (custody step, ticket, certificate, bond) that a gateway carries to the
 * ingester because there is no other way from the site: read strictly, kept and sent byte for byte.
 * Whether its signer may say so is the ingester's to judge, who knows the parties' documents.
 */
import { documentDigest } from '../devices/credential/party/document.ts';
import { familyFor, type PartyKind, readParty } from '../devices/credential/party/families.ts';
import { isRefusal, type Refusal, refuse } from '../devices/credential/refusal.ts';
import { openSecured } from '../devices/credential/secured.ts';
import { limits } from '../devices/limits.ts';

export interface Paper {
  /** As it is sent: a token, or JSON with proofs. */
  readonly token: Uint8Array;
  readonly digest: string;
  /** DID of the party that signed it first. */
  readonly party: string;
  readonly family: PartyKind;
}

/** What stands in a file; white space around it is not part of it. */
export function readPaper(bytes: Uint8Array): Paper | Refusal {
  const token = trimmed(bytes);
  const secured = openSecured(token, limits.credentialBytesMax);
  if (isRefusal(secured)) return secured;
  const statement = readParty(secured.payload);
  if (statement === undefined) {
    return refuse('VC_TYPE', 'not a credential of a party: custody, ticket, certificate, bond');
  }
  if (isRefusal(statement)) return statement;
  const digest =
    secured.form === 'token' ? secured.opened.digest : documentDigest(secured.document);
  const [party = statement.issuer.id] = familyFor(statement).signers(statement);
  return { token, digest, party, family: statement.kind };
}

const WHITE_SPACE: readonly (number | undefined)[] = [0x20, 0x09, 0x0a, 0x0d];

function trimmed(bytes: Uint8Array): Uint8Array {
  let [from, to] = [0, bytes.length];
  while (from < to && WHITE_SPACE.includes(bytes[from])) from += 1;
  while (to > from && WHITE_SPACE.includes(bytes[to - 1])) to -= 1;
  return bytes.subarray(from, to);
}
