/**
 * The folder of what a gateway has witnessed: its newest statement, and the evidence where the
 * ingester contradicted what it had signed. Plain files, so that an inspector can copy them.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openStatement, type Statement } from '../devices/credential/checkpoint.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { makeDirectory } from '../devices/io/directory.ts';
import { syncPath, writeFileDurably } from '../devices/io/write-file.ts';
import { limits } from '../devices/limits.ts';
import { formatTime } from '../devices/runtime.ts';

/** Below the data directory. */
const FOLDER = 'witness';
const KEPT = 'kept.jwt';
/** What speaks against the ingester's record, as files are named for it. */
const EVIDENCE = { contradiction: 'contradiction.json', unproven: 'unproven.json' } as const;
export type Doubt = keyof typeof EVIDENCE;

export function witnessFolder(dataDirectory: string): string {
  return join(dataDirectory, FOLDER);
}

/** The gateway's newest statement on a checkpoint. */
export function keptFile(folder: string): string {
  return join(folder, KEPT);
}

/** What was kept, and what does not go with it; there only where something does not. */
export function evidenceFile(folder: string, doubt: Doubt): string {
  return join(folder, EVIDENCE[doubt]);
}

/** Whether a doubt stands: nobody has accepted it, and nothing has been proven since. */
export function hasEvidence(folder: string, doubt: Doubt): boolean {
  return existsSync(evidenceFile(folder, doubt));
}

/** What stands in `kept.jwt`; `foreign` is of another ingester or another gateway. */
export type Found =
  | { readonly is: 'nothing' }
  | { readonly is: 'kept' | 'foreign'; readonly token: Uint8Array; readonly statement: Statement }
  | { readonly is: 'damaged'; readonly reason: string };

/** Throws what the file system throws where the file is there and cannot be read. */
export function readKept(
  folder: string,
  pinned: { readonly ingester: string; readonly gateway?: string },
): Found {
  const file = keptFile(folder);
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return { is: 'nothing' };
  const { statementBytesMax } = limits;
  if (stat.isFile() && stat.size > statementBytesMax) {
    return { is: 'damaged', reason: `${stat.size} bytes, at most ${statementBytesMax}` };
  }
  const token = readFileSync(file);
  const statement = openStatement(token);
  if (isRefusal(statement)) return { is: 'damaged', reason: statement.reason };
  const { checkpoint, gateway } = statement;
  const isOurs =
    checkpoint.issuer === pinned.ingester && gateway === (pinned.gateway ?? statement.gateway);
  return { is: isOurs ? 'kept' : 'foreign', token, statement };
}

/** On disk when it returns. Throws what the file system throws, and DB_DISK_FAILED. */
export function keepStatement(folder: string, token: Uint8Array): void {
  makeFolder(folder);
  writeFileDurably(keptFile(folder), token);
}

/** The first one stays: `false` where there is one. Throws likewise. */
export function keepEvidence(
  folder: string,
  doubt: Doubt,
  evidence: {
    /** The gateway's statement on what it had kept. */
    readonly kept: Uint8Array;
    /** The checkpoint that does not go with it, and what was to prove that it does. */
    readonly told: Uint8Array;
    readonly from?: number;
    readonly proof: readonly Uint8Array[];
    readonly foundMs: number;
  },
): boolean {
  if (hasEvidence(folder, doubt)) return false;
  const { foundMs, from, kept, proof, told } = evidence;
  const content = {
    kept: Buffer.from(kept).toString('latin1'),
    told: Buffer.from(told).toString('latin1'),
    ...(from !== undefined && { from }),
    proof: proof.map((one) => Buffer.from(one).toString('hex')),
    foundMs,
  };
  makeFolder(folder);
  writeFileDurably(evidenceFile(folder, doubt), `${JSON.stringify(content, undefined, 2)}\n`);
  return true;
}

/** Renames what cannot be read as a statement; returns its new name. Throws likewise. */
export function putDamagedAside(folder: string, nowMs: number): string {
  const aside = freeName(`${keptFile(folder)}.damaged-${stampOf(nowMs)}`);
  renameSync(keptFile(folder), aside);
  syncPath(folder);
  return aside;
}

/** Renames evidence that something was not proven, since it was proven then. Throws likewise. */
export function endUnproven(folder: string, nowMs: number): void {
  if (!hasEvidence(folder, 'unproven')) return;
  const ended = freeName(join(folder, `unproven-until-${stampOf(nowMs)}.json`));
  renameSync(evidenceFile(folder, 'unproven'), ended);
  syncPath(folder);
}

/**
 * Moves statement and evidence into a folder of their own, so that the next checkpoint is the first
 * one. Returns that folder, or `undefined` where there was nothing. Throws likewise.
 */
export function endWitness(folder: string, nowMs: number): string | undefined {
  // The statement first: evidence without it is still seen, and then moved by a second attempt.
  const files = [KEPT, ...Object.values(EVIDENCE)].filter((name) => existsSync(join(folder, name)));
  if (files.length === 0) return undefined;
  const ended = freeName(join(folder, `ended-${stampOf(nowMs)}`));
  mkdirSync(ended);
  for (const name of files) renameSync(join(folder, name), join(ended, name));
  syncPath(ended);
  syncPath(folder);
  return ended;
}

function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeDirectory(folder);
  syncPath(dirname(folder));
}

/** A time as part of a file's name, where some systems take no colons. */
function stampOf(timeMs: number): string {
  return formatTime(timeMs).replaceAll(':', '');
}

/** A clock that is set back must not put one thing over another. */
function freeName(name: string): string {
  let free = name;
  for (let number = 2; existsSync(free); number += 1) free = `${name}-${number}`;
  return free;
}
