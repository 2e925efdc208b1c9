/** `bondline-wallet enrol` and `rotate`: credentials for devices, and keys that replace others. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EnrolRequest, openEnrolRequest } from '../../credential/enrol-request.ts';
import { isRefusal } from '../../credential/refusal.ts';
import { EdgeError } from '../../errors.ts';
import { withoutLineEnd } from '../../io/documents.ts';
import { formatTime } from '../../runtime.ts';
import { type Arguments, partyOf, readArguments, timeOf, uriOf, usage } from '../arguments.ts';
import type { Enrolled } from '../enrol.ts';
import { readFacility } from '../facility-file.ts';
import { help } from '../help.ts';
import { makeFolder, openWallet, type Wallet, type WalletContext } from '../wallet.ts';
import { writeOwn } from '../wallet-file.ts';
import { type Answer, next } from './command.ts';

/** Buffers of gateways that were off line are drained by then, unless another end is named. */
const EXPIRES_MS = 30 * 24 * 3_600_000;

export async function enrol(args: readonly string[], context: WalletContext): Promise<Answer> {
  const read = readArguments(args, {
    single: [
      ...['facility', 'owner', 'possessor', 'bond-liable', 'out', 'passphrase-file'],
      ...['publish', 'status-url', 'valid-until'],
    ],
    several: ['request', 'goods'],
    flags: ['lost'],
    positionals: 1,
  });
  if (read.has('help')) return help.enrol;
  const [folder = ''] = read.positionals;
  const requests = requestsOf(read);
  if (read.all('goods').length === 0) throw usage('--goods is required');
  const validUntil = read.one('valid-until');
  const terms = {
    facility: readFacility(read.required('facility')),
    scope: {
      goods: read.all('goods').map((goods) => uriOf('goods', goods)),
      ...partyOption(read, 'owner', 'owner'),
      ...partyOption(read, 'possessor', 'possessor'),
      ...partyOption(read, 'bond-liable', 'bondLiable'),
    },
    ...(validUntil !== undefined && { validUntilMs: timeOf('valid-until', validUntil) }),
  };
  const wallet = openWallet(folder, context, read.one('passphrase-file'));
  const statusUrl = read.one('status-url');
  if (statusUrl !== undefined) await wallet.setStatusUrl(statusUrl);
  const enrolled = await wallet.enrol({ requests, terms, isLostAccepted: read.has('lost') });
  const published = read.one('publish');
  if (published !== undefined) await wallet.publish(published);
  const out = read.one('out') ?? '.';
  return answerOf(wallet, enrolled, { folder, out, ...(published !== undefined && { published }) });
}

export async function rotate(args: readonly string[], context: WalletContext): Promise<Answer> {
  const read = readArguments(args, {
    single: ['out', 'passphrase-file', 'expires'],
    several: ['request'],
    flags: ['organisation', 'compromised', 'lost'],
    positionals: 1,
  });
  if (read.has('help')) return help.rotate;
  const [folder = ''] = read.positionals;
  const out = read.one('out') ?? '.';
  const isOwn = read.has('organisation');
  if (isOwn === read.all('request').length > 0) {
    throw usage('--request FILE... replaces keys of devices, --organisation your own; give one');
  }
  const expires = read.one('expires');
  if (!isOwn && (read.has('compromised') || expires !== undefined)) {
    throw usage('--compromised and --expires belong to --organisation');
  }
  if (isOwn && read.has('lost')) throw usage('--lost belongs to --request');
  if (read.has('compromised') && expires !== undefined) {
    throw usage('a compromised key ends now; --expires does not go with --compromised');
  }
  if (!isOwn) {
    const requests = requestsOf(read);
    const wallet = openWallet(folder, context, read.one('passphrase-file'));
    const enrolled = await wallet.enrol({ requests, isLostAccepted: read.has('lost') });
    return answerOf(wallet, enrolled, { folder, out });
  }
  const expiresMs =
    expires === undefined ? context.clock.nowMs() + EXPIRES_MS : timeOf('expires', expires);
  const wallet = openWallet(folder, context, read.one('passphrase-file'));
  const enrolled = await wallet.rotate(read.has('compromised') ? 'compromised' : { expiresMs });
  const answer = answerOf(wallet, enrolled, { folder, out });
  const end = read.has('compromised')
    ? 'the old key is revoked: what is first seen from now on proves nothing'
    : `the old key signs no more; what it signed holds until ${formatTime(expiresMs)}`;
  return { ...answer, lines: [`new key of ${wallet.name}`, end, ...answer.lines] };
}

/** Writes what was signed, and says what comes next. */
function answerOf(
  wallet: Wallet,
  enrolled: readonly Enrolled[],
  at: { readonly folder: string; readonly out: string; readonly published?: string },
): Exclude<Answer, string> {
  const { folder, out, published } = at;
  makeFolder(out);
  const made = enrolled.map(({ member, token }) => {
    // Devices of two gateways may have one name; neither's file replaces the other's.
    const isAlone = enrolled.every(
      (one) => one.member === member || one.member.label !== member.label,
    );
    const name = isAlone ? member.label : `${member.label}-${member.device.slice(-8)}`;
    const file = join(out, `${name}.jwt`);
    writeOwn(file, token);
    const { label, device, enrolment: id, digest, index, supersedes } = member;
    return { label, device, id, digest, index, file, ...(supersedes && { supersedes }) };
  });
  return {
    json: { organisation: wallet.did, enrolled: made },
    lines: [
      ...made.map(({ label, device, file, supersedes }) =>
        supersedes
          ? `enrolled ${label} anew (${device}, instead of ${supersedes}): ${file}`
          : `enrolled ${label} (${device}): ${file}`,
      ),
      ...next(
        published === undefined
          ? `bondline-wallet publish ${folder} --out published`
          : `bondline-ingest trust ingest.yaml add ${published}`,
        `put ${out}/*.jwt where the gateway's configuration looks for enrolments`,
      ),
    ],
  };
}

function requestsOf(read: Arguments): readonly EnrolRequest[] {
  if (read.all('request').length === 0) throw usage('--request is required');
  const requests = read.all('request').map(readRequest);
  const repeated = requests.find(
    ({ label }, at) => requests.findIndex((r) => r.label === label) < at,
  );
  if (!repeated) return requests;
  throw usage(`two requests are for "${repeated.label}": one file would replace another`);
}

function readRequest(file: string): EnrolRequest {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new EdgeError('DOC_UNREADABLE', `reading the request ${file}`, { cause });
  }
  const request = openEnrolRequest(withoutLineEnd(bytes));
  if (!isRefusal(request)) return request;
  const found = `${request.code}, ${request.reason}`;
  throw new EdgeError('WALLET_REQUEST_INVALID', `reading the request ${file}: ${found}`);
}

function partyOption(read: Arguments, option: string, member: string): object {
  const text = read.one(option);
  return text === undefined ? {} : { [member]: partyOf(option, text) };
}
