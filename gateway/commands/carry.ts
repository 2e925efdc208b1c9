/**
 * `bondline-gateway carry`: takes papers of parties to the ingester. When it says so, each is
 * durable in the outbox: put there by itself, or by the gateway that runs and has it open.
 */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { EdgeError } from '../../devices/errors.ts';
import { limits } from '../../devices/limits.ts';
import { createLog } from '../../devices/runtime.ts';
import { openOutbox } from '../outbox-open.ts';
import { OutboxRows } from '../outbox-rows.ts';
import { type Paper, readPaper } from '../paper.ts';
import { isPutAside, paperFolder, placePaper, readBounded } from '../paper-folder.ts';
import {
  type CommandContext,
  EXIT,
  type LoadedConfig,
  loadConfig,
  lockIfFree,
  parseArguments,
  unlockEncryption,
} from './command.ts';

const OPTIONS = { json: { type: 'boolean' } } as const;
const LOOK_MS = 100;

export async function runCarry(args: readonly string[], context: CommandContext): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG', 'FILE...']);
  const [config = '', ...files] = positionals;
  const loaded = loadConfig(config, context);
  // All are looked at before the first is kept, so that a mistake leaves nothing half done.
  const papers = files.map(readFile);
  await unlockEncryption(loaded, context);
  const data = loaded.resolvePath(loaded.config.gateway.data);
  const release = lockIfFree(data);
  if (release) {
    try {
      keepHere(papers, data, loaded, context);
    } finally {
      release();
    }
  } else await handOver(papers, data, context);
  const lines = papers.map(({ digest, family, party }, index) => ({
    ...{ file: files[index] ?? '', family, party, digest },
  }));
  if (values.json) context.out(`${JSON.stringify({ carried: lines })}\n`);
  else {
    for (const { digest, family, file, party } of lines) {
      context.out(`${file}: ${family} of ${party}, in the outbox as ${digest}\n`);
    }
  }
  return EXIT.well;
}

function readFile(file: string): Paper {
  let bytes: Uint8Array | undefined;
  try {
    bytes = readBounded(file);
  } catch (cause) {
    throw new EdgeError('GW_PAPER_REFUSED', `reading ${file}`, { cause });
  }
  if (bytes === undefined) {
    const most = `at most ${limits.credentialBytesMax} bytes`;
    throw new EdgeError('GW_PAPER_REFUSED', `${file} is no file of ${most}`);
  }
  const paper = readPaper(bytes);
  if (!isRefusal(paper)) return paper;
  throw new EdgeError('GW_PAPER_REFUSED', `${file}: ${paper.code}, ${paper.reason}`);
}

function keepHere(
  papers: readonly Paper[],
  data: string,
  { config }: LoadedConfig,
  { clock, err }: CommandContext,
): void {
  const log = createLog({ component: 'carry', level: 'info', clock, write: err });
  const rows = new OutboxRows({
    db: openOutbox(join(data, 'outbox.db'), { clock, log }),
    signers: new Set<string>(),
    bytesMax: config.outbox?.bytesMax ?? limits.outboxBytesMaxDefault,
    log,
  });
  try {
    for (const paper of papers) {
      const carried = rows.carry(paper, clock.nowMs());
      if (carried === 'full') throw new EdgeError('GW_OUTBOX_FULL', `carrying ${paper.digest}`);
    }
  } finally {
    rows.close();
  }
}

/** Lays them into the folder of the running gateway and waits until it has taken them. */
async function handOver(
  papers: readonly Paper[],
  data: string,
  { clock, stop }: CommandContext,
): Promise<void> {
  const folder = paperFolder(data);
  const waiting = papers.map((paper) => placePaper(folder, paper));
  const untilMs = clock.monotonicMs() + limits.paperTakenMs;
  while (waiting.some((file) => existsSync(file))) {
    if (clock.monotonicMs() > untilMs || stop.aborted) {
      throw new EdgeError('GW_PAPER_WAITS', `carrying papers by ${folder}`);
    }
    await clock.sleep(LOOK_MS, stop);
  }
  const aside = waiting.find((file) => isPutAside(folder, basename(file)));
  if (aside) throw new EdgeError('GW_PAPER_REFUSED', `the running gateway put ${aside} aside`);
}
