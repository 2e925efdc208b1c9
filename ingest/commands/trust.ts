/** `bondline-ingest trust`: whom the ingester trusts. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { EdgeError } from '../../devices/errors.ts';
import { resolveSettings } from '../../devices/io/resolve/resolve-settings.ts';
import { createResolver } from '../../devices/io/resolve/resolver.ts';
import { lockDirectory } from '../../devices/io/sqlite.ts';
import { limits } from '../../devices/limits.ts';
import type { IngestConfig } from '../config.ts';
import { type Control, readControl } from '../control.ts';
import { createLocalJournal } from '../journal.ts';
import { openJournalStore } from '../journal-store.ts';
import { createRecorder } from '../record.ts';
import { createTrustDesk } from '../trust-change.ts';
import type { GivenDocument } from '../trust-given.ts';
import type { ListPage, TrustListing } from '../trust-listing.ts';
import {
  answerTrust,
  requestToAdd,
  type TrustAnswer,
  type TrustRequest,
} from '../trust-request.ts';
import {
  type CommandContext,
  EXIT,
  filesOf,
  loadConfig,
  parseArguments,
  unlockEncryption,
} from './command.ts';
import { formatChange, formatListing, sayAdded } from './trust-words.ts';

const OPTIONS = {
  json: { type: 'boolean' },
  confirm: { type: 'boolean' },
  from: { type: 'string' },
  name: { type: 'string' },
} as const;

/** What can be asked of whoever holds the journal now. */
interface Desk {
  change(request: TrustRequest): Promise<TrustAnswer>;
  list(page: ListPage): Promise<TrustListing>;
  close(): void;
}

export async function runTrust(args: readonly string[], context: CommandContext): Promise<number> {
  const names = ['CONFIG', 'add, list or remove', 'PATH...'];
  const { positionals, values } = parseArguments(args, OPTIONS, names);
  const [file = '', action = '', ...rest] = positionals;
  const config = loadConfig(file, context);
  const called = nameOf(values.name, rest);
  const given = action === 'add' ? await documentsOf(rest, config, context, called) : [];
  const request = requestOf(action, rest, { given, confirm: values.confirm === true });
  const page = pageOf(values.from);
  await unlockEncryption(config, context);
  const desk = await findDesk(config, context);
  try {
    if (request === undefined) {
      const listing = await desk.list(page);
      context.out(values.json ? `${JSON.stringify(listing)}\n` : formatListing(listing));
      return EXIT.well;
    }
    const { changes } = await desk.change(request);
    if (values.json) context.out(`${JSON.stringify({ changes })}\n`);
    else context.out(`${[...changes.map(formatChange), ...sayAdded(changes)].join('\n')}\n`);
    const well = changes.every(({ result }) => ['added', 'known', 'removed'].includes(result));
    return well ? EXIT.well : EXIT.failed;
  } finally {
    desk.close();
  }
}

/** The request of a command line; `undefined` asks for the list. */
function requestOf(
  action: string,
  rest: readonly string[],
  { given, confirm }: { readonly given: readonly GivenDocument[]; readonly confirm: boolean },
): TrustRequest | undefined {
  const [did, ...more] = rest;
  if (action === 'list' && did === undefined) return undefined;
  if (action === 'add' && did !== undefined) return requestToAdd(given, confirm);
  if (action === 'remove' && did !== undefined && more.length === 0) return { remove: did };
  throw new EdgeError('CFG_USAGE', `trust ${[action, ...rest].join(' ')} is not understood`);
}

/** The page of a listing that begins at a position, as the page before says. */
function pageOf(from: string | undefined): ListPage {
  if (from === undefined) return {};
  if (/^\d{1,15}$/.test(from)) return { from: Number(from) };
  throw new EdgeError('CFG_USAGE', `--from ${from} is not a position of the journal`);
}

/** What the person calls the one organisation whose DID is given. */
function nameOf(name: string | undefined, rest: readonly string[]): string | undefined {
  if (name === undefined) return undefined;
  if (rest.filter(isDid).length !== 1) {
    throw new EdgeError('CFG_USAGE', '--name is for one DID: say trust CONFIG add DID --name NAME');
  }
  if (/^\P{Cc}{1,200}$/u.test(name)) return name;
  throw new EdgeError('CFG_USAGE', '--name takes 1 to 200 characters');
}

const isDid = (name: string): boolean => name.startsWith('did:');

const KINDS = ['.json', '.jwt'];

/**
 * What the arguments of `add` name: files, folders, and DIDs whose documents are fetched.
 *
 * @throws EdgeError DOC_UNREADABLE, and the code of what kept a document from being fetched
 */
async function documentsOf(
  names: readonly string[],
  { resolve: block }: IngestConfig,
  { clock, stop }: CommandContext,
  called: string | undefined,
): Promise<readonly GivenDocument[]> {
  if (!names.some(isDid)) return names.flatMap(read);
  const resolver = createResolver({ ...resolveSettings(block, clock), signal: stop });
  const given: GivenDocument[] = [];
  for (const name of names) {
    if (!isDid(name)) {
      given.push(...read(name));
      continue;
    }
    const resolved = await resolver.resolve(name);
    if ('code' in resolved) throw new EdgeError(resolved.code, resolved.reason);
    given.push({ name, bytes: resolved.bytes, ...(called !== undefined && { called }) });
  }
  return given;
}

/** A file, or all documents below a folder. */
function read(path: string): GivenDocument[] {
  try {
    if (!statSync(path).isDirectory()) return [{ name: path, bytes: readFileSync(path) }];
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && KINDS.includes(extname(entry.name)))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((name) => statSync(name).size <= limits.credentialBytesMax)
      .sort()
      .map((name) => ({ name, bytes: readFileSync(name) }));
  } catch (cause) {
    throw new EdgeError('DOC_UNREADABLE', `reading ${path}`, { cause });
  }
}

/** The ingester that runs on the data directory, else its journal, which then is ours. */
async function findDesk(config: IngestConfig, context: CommandContext): Promise<Desk> {
  const control = readControl(config.ingester.data);
  if (control !== undefined && (await isRunning(control))) return remoteDesk(control);
  return localDesk(config, context);
}

const TIMEOUT_MS = 10_000;

async function isRunning({ http }: Control): Promise<boolean> {
  try {
    const answer = await fetch(`${http}/healthz`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return answer.ok;
  } catch {
    // A crash leaves control.json behind; the lock on the directory says the rest.
    return false;
  }
}

function remoteDesk({ http, token }: Control): Desk {
  const ask = async (body?: TrustRequest, query = ''): Promise<unknown> => {
    const doing = `telling the ingester at ${http}`;
    try {
      const answer = await fetch(`${http}/api/trust${query}`, {
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body && { method: 'POST', body: JSON.stringify(body) }),
      });
      if (answer.ok) return await answer.json();
      const { message } = (await answer.json()) as { message?: string };
      throw new Error(message ?? `status ${answer.status}`);
    } catch (cause) {
      throw new EdgeError('IN_CONTROL', doing, { cause });
    }
  };
  return {
    change: async (request) => (await ask(request)) as TrustAnswer,
    list: async ({ from = 0 }) => (await ask(undefined, `?from=${from}`)) as TrustListing,
    close() {},
  };
}

function localDesk(config: IngestConfig, { clock }: CommandContext): Desk {
  const { data, tenant } = config.ingester;
  const { journalFile } = filesOf(config);
  const unlock = lockDirectory(data);
  try {
    const journal = openJournalStore(journalFile);
    const recorder = createRecorder({
      tenant,
      journal: createLocalJournal(journal),
      admitter: { trust() {} },
      appended() {},
    });
    const desk = createTrustDesk({ tenant, recorder, nowMs: () => clock.nowMs() });
    return {
      change: (request) => answerTrust(desk, request),
      list: async (page) => desk.list(page),
      close() {
        journal.close();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}
