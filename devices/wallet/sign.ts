/**
 * `bondline-wallet sign`: makes party credentials where the party's key lives. A file with plain
 * words is checked, composed, signed and written; what was signed is said in plain words.
 */

import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, parse } from 'node:path';
import type { CredentialReference } from '../credential/batch.ts';
import type { StatusEntry } from '../credential/enrolment.ts';
import { documentDigest } from '../credential/party/document.ts';
import { familyFor, familyOf, type PartyStatement } from '../credential/party/families.ts';
import { addProof } from '../credential/proof/add-proof.ts';
import { isRefusal } from '../credential/refusal.ts';
import { openSecured, type Secured } from '../credential/secured.ts';
import type { JsonObject } from '../credential/vcdm-values.ts';
import { credentialDigest } from '../envelope.ts';
import { EdgeError } from '../errors.ts';
import { formatMistake, readConfig } from '../io/config-file.ts';
import { withoutLineEnd } from '../io/documents.ts';
import { limits } from '../limits.ts';
import { formatTime } from '../runtime.ts';
import { type Arguments, readArguments, usage } from './arguments.ts';
import { type Answer, next } from './commands/command.ts';
import { uuid } from './enrol.ts';
import { acceptCustody } from './sign-accept.ts';
import { type SignContext, type SignForm, timeMistakes } from './sign-form.ts';
import {
  correction,
  goodsEvent,
  inspection,
  millTestReport,
  movement,
  release,
  ticket,
} from './sign-goods.ts';
import { signHelp } from './sign-help.ts';
import { aeo, bond, calibration, ctpat } from './sign-parties.ts';
import { describe } from './sign-words.ts';
import { openWallet, type Wallet, type WalletContext } from './wallet.ts';
import { writeOwn } from './wallet-file.ts';

/** What can be signed, by the words of the command line. */
const forms: Readonly<Record<string, SignForm>> = {
  'custody release': release,
  ticket,
  'mill-test-report': millTestReport,
  inspection,
  event: goodsEvent,
  movement,
  correction,
  'standing ctpat': ctpat,
  'standing aeo': aeo,
  bond,
  calibration,
};

const ACCEPT = 'custody accept';

/** One file that was signed. */
export interface Signed {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly digest: string;
  readonly statement: PartyStatement;
}

export async function sign(args: readonly string[], context: WalletContext): Promise<Answer> {
  const read = readArguments(args, {
    single: ['wallet', 'out', 'form', 'documents', 'passphrase-file'],
    positionals: [2, 100],
  });
  const [first = '', second = ''] = read.positionals;
  const kind = [`${first} ${second}`, first].find(
    (name) => name === ACCEPT || Object.hasOwn(forms, name),
  );
  if (read.has('help')) return signHelp(kind, forms);
  if (kind === undefined) {
    throw usage(
      `${first} cannot be signed; known are: ${[...Object.keys(forms), ACCEPT].join(', ')}`,
    );
  }
  const files = read.positionals.slice(kind.split(' ').length);
  if (files.length === 0) throw usage('a FILE is needed: what is to be signed');
  if (read.one('out') !== undefined && files.length > 1) throw usage('--out is for one FILE');
  const wallet = openWallet(read.required('wallet'), context, read.one('passphrase-file'));
  const asked = { wallet, read, context };
  const signed: Signed[] = [];
  for (const file of files) {
    signed.push(kind === ACCEPT ? await accept(file, asked) : await signListed(kind, file, asked));
  }
  // All or nothing: a mistake in the last file leaves none of them signed on disk.
  for (const { file, bytes } of signed) writeOwn(file, bytes);
  return answerOf(kind, signed, wallet);
}

interface Asked {
  readonly wallet: Wallet;
  readonly read: Arguments;
  readonly context: WalletContext;
}

/**
 * Bonds, standings and calibrations hold for a time in which they may have to be taken back, so
 * each has an entry of the wallet's own status lists, unless its form names others or the wallet
 * has no web address to publish lists at.
 */
async function signListed(kind: string, file: string, asked: Asked): Promise<Signed> {
  const { wallet } = asked;
  if (!LISTED.includes(kind) || !wallet.did.startsWith('did:web:')) {
    return signForm(kind, file, asked);
  }
  const first = readForm(kind, file) as { readonly status?: unknown };
  if (first.status !== undefined) return signForm(kind, file, asked);
  return wallet.allot(
    (status) => signForm(kind, file, asked, status),
    ({ statement }) => paperOf(statement),
  );
}

const LISTED: readonly string[] = ['standing ctpat', 'standing aeo', 'bond', 'calibration'];

function paperOf(statement: PartyStatement) {
  const { kind, id } = statement;
  const [about = ''] = familyFor(statement).about(statement);
  const number = 'number' in statement ? statement.number : '';
  return { kind, id, about, number };
}

function readForm(kind: string, file: string): unknown {
  const read = readConfig(file, (forms[kind] as SignForm).schema, timeMistakes);
  if (read.ok) return read.value;
  throw new EdgeError('CFG_INVALID', read.mistakes.map(formatMistake).join('\n'));
}

/** Reads a form, and secures what it says: as a token, or as JSON with a proof. */
async function signForm(
  kind: string,
  file: string,
  asked: Asked,
  status?: readonly StatusEntry[],
): Promise<Signed> {
  const { wallet, context } = asked;
  const found = forms[kind] as SignForm;
  const input = readForm(kind, file);
  const chosen = formOf(asked.read) ?? (kind === 'custody release' ? 'proof' : 'jwt');
  const issuer = { id: wallet.did, name: wallet.name };
  const said = found.statement(input as never, contextOf(file, issuer, context));
  const made: PartyStatement = status === undefined ? said : { ...said, status };
  const statement: PartyStatement =
    made.kind === 'custody' && chosen === 'jwt' ? { ...made, act: 'release' } : made;
  const payload = familyFor(statement).compose(statement);
  const out = asked.read.one('out');
  if (chosen === 'jwt') {
    const bytes = await wallet.issue(payload);
    return { file: out ?? beside(file, '.jwt'), bytes, digest: credentialDigest(bytes), statement };
  }
  const document = await prove(wallet, JSON.parse(payload) as JsonObject, context);
  return {
    file: out ?? beside(file, '.signed.json'),
    bytes: textOf(document),
    digest: documentDigest(document),
    statement,
  };
}

/** Adds the wallet's proof, under a name that a later proof can be made over. */
function prove(
  wallet: Wallet,
  document: JsonObject,
  { clock, random }: WalletContext,
  previousProof?: string,
): Promise<JsonObject> {
  return wallet.withSigner((signer) =>
    addProof(document, signer, {
      id: `urn:uuid:${uuid(random)}`,
      purpose: 'assertionMethod',
      created: formatTime(clock.nowMs()),
      ...(previousProof !== undefined && { previousProof }),
    }),
  );
}

/** Accepts what another released: the second proof of the chain, or a token that names his. */
async function accept(file: string, { wallet, read, context }: Asked): Promise<Signed> {
  const nowMs = context.clock.nowMs();
  const accepted = acceptCustody(openFile(file), {
    receiver: { id: wallet.did, name: wallet.name },
    documents: read.one('documents'),
    nowMs,
    newId: () => `urn:uuid:${uuid(context.random)}`,
  });
  const { statement } = accepted;
  const out = read.one('out');
  if (accepted.form === 'token') {
    const bytes = await wallet.issue(familyFor(statement).compose(statement));
    const digest = credentialDigest(bytes);
    return { file: out ?? beside(file, '.accepted.jwt'), bytes, digest, statement };
  }
  const document = await prove(wallet, accepted.document, context, accepted.previousProof);
  return {
    file: out ?? beside(file, '.accepted.json'),
    bytes: textOf(document),
    digest: documentDigest(document),
    statement,
  };
}

function formOf(read: Arguments): 'jwt' | 'proof' | undefined {
  const chosen = read.one('form');
  if (chosen === undefined || chosen === 'jwt' || chosen === 'proof') return chosen;
  throw usage(`--form is jwt or proof, not ${chosen}`);
}

function contextOf(
  file: string,
  issuer: SignContext['issuer'],
  { clock, random }: WalletContext,
): SignContext {
  return {
    issuer,
    nowMs: clock.nowMs(),
    newId: () => `urn:uuid:${uuid(random)}`,
    refer: (path) => referenceTo(isAbsolute(path) ? path : join(dirname(file), path)),
  };
}

/** Id and digest of a credential in a file, which others then name. */
function referenceTo(path: string): CredentialReference {
  const secured = openFile(path);
  const statement = familyOf(secured.payload)?.read(secured.payload);
  if (statement === undefined || isRefusal(statement)) {
    const reason = statement?.reason ?? 'not a credential of a party';
    throw new EdgeError('DOC_INVALID', `reading ${path}: ${reason}`);
  }
  const { proof } = secured.form === 'document' ? secured.document : ({} as JsonObject);
  const isHalf =
    statement.kind === 'custody' &&
    (statement.act === 'release' || (statement.act === 'transfer' && [proof].flat().length < 2));
  if (isHalf) {
    throw new EdgeError('DOC_INVALID', `reading ${path}: nobody accepted it; name the acceptance`);
  }
  const digest =
    secured.form === 'token' ? secured.opened.digest : documentDigest(secured.document);
  return { id: statement.id, digest };
}

function openFile(path: string): Secured {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new EdgeError('DOC_UNREADABLE', `reading ${path}`, { cause });
  }
  const secured = openSecured(withoutLineEnd(bytes), limits.credentialBytesMax);
  if (!isRefusal(secured)) return secured;
  throw new EdgeError('DOC_INVALID', `reading ${path}: ${secured.code}, ${secured.reason}`);
}

function beside(file: string, ending: string): string {
  const { dir, name } = parse(file);
  return join(dir, `${name.replace(/\.signed$/, '')}${ending}`);
}

function textOf(document: JsonObject): Uint8Array {
  return Buffer.from(`${JSON.stringify(document, null, 2)}\n`, 'utf8');
}

function answerOf(kind: string, signed: readonly Signed[], wallet: Wallet): Answer {
  const lines = signed.flatMap(({ statement, file, digest }) => [
    `${wallet.name} signed: ${describe(statement)}`,
    `  written ${file}`,
    `  digest  ${digest}`,
  ]);
  const names = signed.map(({ file }) => file).join(' ');
  const after =
    kind === 'custody release'
      ? next(`send ${names} to the receiver, who runs bondline-wallet sign custody accept FILE`)
      : next(`bondline-ingest submit CONFIG ${names}`);
  const made = signed.map(({ statement, file, digest }) => ({
    kind: statement.kind,
    id: statement.id,
    file,
    digest,
  }));
  return { json: { organisation: wallet.did, signed: made }, lines: [...lines, ...after] };
}
