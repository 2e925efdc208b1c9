/** What speaks against the ingester's record: says it, and keeps the evidence. */
import type { Checkpoint, Notice, Statement } from '../devices/credential/checkpoint.ts';
import { limits } from '../devices/limits.ts';
import { type Clock, formatTime, type Log } from '../devices/runtime.ts';
import {
  type Doubt,
  endUnproven,
  evidenceFile,
  hasEvidence,
  keepEvidence,
} from './witness-folder.ts';

/** A checkpoint that came, and the notice that brought it. */
export interface Told {
  readonly checkpoint: Checkpoint;
  readonly notice: Notice;
}

/** The statement that stands on disk. */
export interface Kept {
  readonly token: Uint8Array;
  readonly statement: Statement;
}

export interface Doubts {
  state(): {
    readonly contradiction: boolean;
    readonly unproven: boolean;
    readonly silent: boolean;
  };
  /** A receipt came, after which a further checkpoint is owed. */
  receipted(): void;
  /** What was owed over the uplink that was is owed no more. */
  connected(): void;
  /** A checkpoint is kept: the first one, or one that continues what was. Throws likewise. */
  kept(isFirst: boolean): void;
  /** The ingester was told what is kept, so that it knows from where to prove. */
  answered(): void;
  /** One may continue what was kept, but nothing proves it. Throws likewise. */
  unproven(told: Told, kept: Kept): void;
  /** One does not. Throws, after it was said, what the file system throws, and DB_DISK_FAILED. */
  contradicted(told: Told, kept: Kept): void;
}

const SENTENCES = {
  contradiction: 'the ingester’s record contradicts what it signed before',
  unproven: 'the ingester does not prove that its record continues what it signed',
} as const satisfies Record<Doubt, string>;

export function createDoubts(options: {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
}): Doubts {
  const { clock, folder, log } = options;
  /** One after the other; what is late or came before proves nothing, so that it ends no row. */
  let unproven = 0;
  let isAnswered = false;
  /** When the first receipt came since the last checkpoint that was kept. */
  let owedMs: number | undefined;
  let isSilent = false;
  const said = new Set<Doubt>();
  /** There was no room for the evidence. */
  const unwritten = new Set<Doubt>();
  const stands = (doubt: Doubt) => unwritten.has(doubt) || hasEvidence(folder, doubt);

  const note = (doubt: Doubt, told: Told, kept: Kept) => {
    const { from, proof, token } = told.notice;
    const shown = { told: token, ...(from !== undefined && { from }), proof };
    let isNew = false;
    unwritten.add(doubt);
    try {
      const foundMs = Math.round(clock.nowMs());
      isNew = keepEvidence(folder, doubt, { kept: kept.token, ...shown, foundMs });
      unwritten.delete(doubt);
    } finally {
      if (isNew || !said.has(doubt)) {
        const evidence = evidenceFile(folder, doubt);
        log.error(SENTENCES[doubt], { ...fieldsOf(told, kept), evidence });
      }
      said.add(doubt);
    }
  };
  return {
    state: () => ({
      contradiction: stands('contradiction'),
      unproven: stands('unproven'),
      silent: isSilent,
    }),
    receipted() {
      const nowMs = clock.monotonicMs();
      owedMs ??= nowMs;
      if (isSilent || nowMs - owedMs < limits.checkpointSilentMs) return;
      isSilent = true;
      log.warn('the ingester signs receipts, and shows nothing further of its record');
    },
    connected() {
      owedMs = undefined;
    },
    answered() {
      isAnswered = true;
    },
    kept(isFirst) {
      unproven = 0;
      isAnswered = false;
      owedMs = undefined;
      isSilent = false;
      if (isFirst) unwritten.clear();
      else if (stands('unproven')) {
        log.info('the ingester proves again that its record continues');
        unwritten.delete('unproven');
        endUnproven(folder, clock.nowMs());
      }
    },
    unproven(told, kept) {
      // It cannot prove from where it does not know; each answer must have gone through.
      if (!isAnswered) return;
      isAnswered = false;
      unproven += 1;
      if (unproven >= limits.checkpointsUnprovenMax) note('unproven', told, kept);
    },
    contradicted: (told, kept) => note('contradiction', told, kept),
  };
}

function fieldsOf({ checkpoint: told }: Told, { statement: { checkpoint: kept } }: Kept) {
  return {
    kept: kept.size,
    keptIssued: formatTime(kept.issuedMs),
    told: told.size,
    toldIssued: formatTime(told.issuedMs),
  };
}
