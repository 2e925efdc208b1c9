/** The commands of `bondline-wallet`: what each reads, does and prints. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EnrolRequest, openEnrolRequest } from '../credential/enrol-request.ts';
import { isRefusal } from '../credential/refusal.ts';
import { EdgeError, explain } from '../errors.ts';
import { withoutLineEnd } from '../io/documents.ts';
import { type Arguments, partyOf, readArguments, timeOf, uriOf, usage } from './arguments.ts';
import { readFacility } from './facility-file.ts';
import { help } from './help.ts';
import { createWallet, makeFolder, openWallet, type WalletContext } from './wallet.ts';
import { walletPaths, writeOwn } from './wallet-file.ts';

/** Where a command prints. */
export interface CommandOutput {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** What a command answers: an object for `--json`, lines for people. */
interface Answer {
  readonly json: object;
  readonly lines: readonly string[];
}

type Command = (args: readonly string[], context: WalletContext) => Promise<Answer | string>;

const commands: Readonly<Record<string, Command>> = { init, enrol, publish, status };

/**
 * Runs one command line. Exit codes: 0 done, 1 failed with nothing half done, 2 the command line
 * has a mistake.
 */
export async function runWallet(
  args: readonly string[],
  output: CommandOutput,
  context: WalletContext,
): Promise<number> {
  const [name = '--help', ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') {
    output.out(help.overview);
    return args.length === 0 ? 2 : 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  try {
    if (!command) throw usage(`there is no command ${name}`);
    const answer = await command(rest, context);
    if (typeof answer === 'string') output.out(answer);
    else if (rest.includes('--json')) output.out(`${JSON.stringify(answer.json)}\n`);
    else output.out(answer.lines.map((line) => `${line}\n`).join(''));
    return 0;
  } catch (error) {
    output.err(`bondline-wallet: ${explain(error)}\n`);
    return error instanceof EdgeError && error.code === 'CFG_USAGE' ? 2 : 1;
  }
}

async function init(args: readonly string[], context: WalletContext): Promise<Answer | string> {
  const read = readArguments(args, { single: ['did', 'name', 'passphrase-file'], positionals: 1 });
  if (read.has('help')) return help.init;
  const [folder = ''] = read.positionals;
  const name = read.required('name').trim();
  if (name === '' || name.length > 200) throw usage('--name takes 1 to 200 characters');
  const did = read.required('did');
  const passphraseFile = read.required('passphrase-file');
  const wallet = await createWallet(folder, { did, name, passphraseFile }, context);
  const document = walletPaths(folder).did;
  return {
    json: { did: wallet.did, name: wallet.name, didDocument: document },
    lines: [
      `wallet of ${wallet.name} (${wallet.did}) in ${folder}`,
      `DID document: ${document}; publish writes it where did:web expects it`,
    ],
  };
}

async function enrol(args: readonly string[], context: WalletContext): Promise<Answer | string> {
  const read = readArguments(args, {
    single: [
      ...['facility', 'owner', 'possessor', 'bond-liable', 'out', 'passphrase-file'],
      'valid-until',
    ],
    several: ['request', 'goods'],
    positionals: 1,
  });
  if (read.has('help')) return help.enrol;
  const [folder = ''] = read.positionals;
  if (read.all('request').length === 0) throw usage('--request is required');
  if (read.all('goods').length === 0) throw usage('--goods is required');
  const requests = read.all('request').map(readRequest);
  const repeated = requests.find(
    ({ label }, at) => requests.findIndex((r) => r.label === label) < at,
  );
  if (repeated)
    throw usage(`two requests are for "${repeated.label}": one file would replace another`);
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
  const out = read.one('out') ?? '.';
  makeFolder(out);
  const enrolled = await wallet.enrol(requests, terms);
  const made = enrolled.map(({ member, token }) => {
    const file = join(out, `${member.label}.jwt`);
    writeOwn(file, token);
    const { label, device, enrolment: id, digest, index } = member;
    return { label, device, id, digest, index, file };
  });
  return {
    json: { organisation: wallet.did, enrolled: made },
    lines: made.map(({ label, device, file }) => `enrolled ${label} (${device}): ${file}`),
  };
}

async function publish(args: readonly string[], context: WalletContext): Promise<Answer | string> {
  const read = readArguments(args, {
    single: ['out', 'passphrase-file', 'valid-until'],
    positionals: 1,
  });
  if (read.has('help')) return help.publish;
  const [folder = ''] = read.positionals;
  const wallet = openWallet(folder, context, read.one('passphrase-file'));
  const out = read.required('out');
  const validUntil = read.one('valid-until');
  const until = validUntil === undefined ? undefined : timeOf('valid-until', validUntil);
  const files = (await wallet.publish(out, until)).map((path) => join(out, path));
  return {
    json: { organisation: wallet.did, files },
    lines: files.map((file) => `written ${file}`),
  };
}

const CHANGES = ['revoke', 'suspend', 'reinstate'] as const;

async function status(args: readonly string[], context: WalletContext): Promise<Answer | string> {
  const read = readArguments(args, { single: CHANGES, positionals: 1 });
  if (read.has('help')) return help.status;
  const [folder = ''] = read.positionals;
  const wallet = openWallet(folder, context);
  for (const change of CHANGES) {
    const named = read.one(change);
    if (named !== undefined) {
      for (const index of indexesOf(wallet.members, named)) wallet.setStatus(index, change);
    }
  }
  const members = wallet.members.map((member) => ({ ...member, status: wordOf(member) }));
  return {
    json: { organisation: wallet.did, members },
    lines: members.map(({ label, device, enrolment, status: word }) =>
      [word.padEnd(9), label, device, enrolment].join('  '),
    ),
  };
}

/** Entries of all enrolments that a label, device DID or enrolment id names. */
function indexesOf(
  members: ReturnType<typeof openWallet>['members'],
  named: string,
): readonly number[] {
  const found = members.filter(
    ({ label, device, enrolment }) => named === label || named === device || named === enrolment,
  );
  if (found.length === 0) throw usage(`no enrolment is of "${named}"`);
  return found.map(({ index }) => index);
}

function wordOf({ revokedMs, suspendedMs }: { revokedMs?: number; suspendedMs?: number }): string {
  if (revokedMs !== undefined) return 'revoked';
  return suspendedMs === undefined ? 'active' : 'suspended';
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
