/** `bondline-gateway witness`: what is kept of the ingester’s record, and its end by a person. */
import { EdgeError } from '../../devices/errors.ts';
import { isDiskFailure } from '../../devices/io/sqlite.ts';
import { formatTime } from '../../devices/runtime.ts';
import {
  endWitness,
  evidenceFile,
  type Found,
  hasEvidence,
  keptFile,
  readKept,
  witnessFolder,
} from '../witness-folder.ts';
import { type CommandContext, EXIT, loadConfig, parseArguments } from './command.ts';

const OPTIONS = { json: { type: 'boolean' } } as const;

export async function runWitness(
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG', 'show|accept']);
  const [file = '', action] = positionals;
  if (action !== 'show' && action !== 'accept') {
    throw new EdgeError('CFG_USAGE', `"${action}" is not one of show, accept`);
  }
  const { config, resolvePath } = loadConfig(file, context);
  const folder = witnessFolder(resolvePath(config.gateway.data));
  const json = values.json === true;
  if (action === 'accept') return accept(folder, json, context);
  return show(folder, { ingester: config.uplink.ingester, file, json }, context);
}

/** Reads only; needs no key. */
function show(
  folder: string,
  { file, ingester, json }: { file: string; ingester: string; json: boolean },
  { out }: CommandContext,
): number {
  const found = reading(folder, ingester);
  const [contradiction, unproven] = (['contradiction', 'unproven'] as const).map((doubt) =>
    hasEvidence(folder, doubt) ? evidenceFile(folder, doubt) : undefined,
  );
  const evidence = contradiction ?? unproven;
  const isWell = evidence === undefined && found.is !== 'damaged';
  const lines: Record<string, string | number> = {};
  if (found.is === 'kept' || found.is === 'foreign') {
    const { checkpoint, gateway, keptMs } = found.statement;
    lines['entries'] = checkpoint.size;
    lines['root'] = checkpoint.root;
    lines['issued'] = formatTime(checkpoint.issuedMs);
    lines['kept'] = formatTime(keptMs);
    lines['ingester'] = checkpoint.issuer;
    lines['gateway'] = gateway;
    lines['file'] = keptFile(folder);
  }
  if (json) {
    const state = found.is === 'damaged' ? { reason: found.reason } : {};
    out(`${JSON.stringify({ state: found.is, ...lines, ...state, contradiction, unproven })}\n`);
    return isWell ? EXIT.well : EXIT.failed;
  }
  for (const [name, value] of Object.entries(lines)) out(`${name.padEnd(8)}  ${value}\n`);
  if (found.is === 'nothing') out('no checkpoint is kept yet\n');
  if (found.is === 'damaged') out(`${keptFile(folder)} is damaged: ${found.reason}\n`);
  if (found.is === 'foreign') out(`the ingester is now ${ingester}; the gateway begins anew\n`);
  if (evidence !== undefined) {
    const what = contradiction ? 'CONTRADICTS' : 'is NOT PROVEN to continue';
    out(`the ingester’s record ${what} what it signed before: ${evidence}\n`);
    out('copy that file. If its people restored a backup and say so, accept it:\n');
    out(`  bondline-gateway witness ${file} accept\n`);
  }
  return isWell ? EXIT.well : EXIT.failed;
}

/** @throws EdgeError CFG_DIRECTORY_UNWRITABLE, DB_DISK_FAILED */
function accept(folder: string, json: boolean, { clock, out }: CommandContext): number {
  const ended = ending(folder, clock.nowMs());
  if (json) out(`${JSON.stringify({ ended: ended ?? null })}\n`);
  else if (ended === undefined) out('nothing is kept: there is nothing to accept\n');
  else {
    out(`accepted: the next checkpoint of the ingester begins anew\n`);
    out(`what was kept until now is in ${ended}\n`);
  }
  return EXIT.well;
}

/** @throws EdgeError DOC_UNREADABLE */
function reading(folder: string, ingester: string): Found {
  try {
    return readKept(folder, { ingester });
  } catch (cause) {
    throw new EdgeError('DOC_UNREADABLE', `reading ${keptFile(folder)}`, { cause });
  }
}

function ending(folder: string, nowMs: number): string | undefined {
  try {
    return endWitness(folder, nowMs);
  } catch (cause) {
    if (isDiskFailure(cause)) throw cause;
    throw new EdgeError('CFG_DIRECTORY_UNWRITABLE', `moving what stands in ${folder}`, { cause });
  }
}
