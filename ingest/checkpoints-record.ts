/** The newest checkpoint of the journal, and what the journal proves of it. */
import { composeCheckpoint } from '../devices/credential/checkpoint.ts';
import { signToken } from '../devices/credential/jws.ts';
import type { Signer } from '../devices/io/key-store.ts';
import { limits } from '../devices/limits.ts';
import { isConsistent } from '../devices/merkle.ts';
import type { Clock, Log } from '../devices/runtime.ts';
import type { Heard } from './checkpoints-heard.ts';
import type { OpenJournal } from './journal.ts';
import { MENDED } from './startup.ts';
import type { KeptCheckpoint, LogHead } from './store.ts';

export interface RecordOptions {
  readonly journal: Pick<OpenJournal, 'log' | 'found'>;
  /** The key of receipts. */
  readonly signer: Signer;
  readonly clock: Clock;
  readonly log: Log;
}

export function createSignedRecord({ clock, journal, log, signer }: RecordOptions) {
  let last: KeptCheckpoint | undefined = journal.found.checkpoint;
  /** Roots of the last that were signed, by size: most of what is said is about these. */
  const roots = new Map<number, string>();
  /** Proofs that were found right, up to the newest one. */
  let proofs = new Map<string, readonly Uint8Array[]>();

  const proven = async (from: LogHead, to: LogHead) => {
    const proof = await journal.log.prove(from.size, to.size);
    return isConsistent(headOf(from), headOf(to), proof) ? proof : undefined;
  };
  const mend = async () => {
    await journal.log.mend();
    log.warn(MENDED);
  };
  return {
    size: () => last?.size ?? 0,
    state: () => (last ? { size: last.size, issuedMs: last.issuedMs } : {}),
    /** A checkpoint of the journal as it is, where there is more in it than under the last one. */
    async sign(): Promise<KeptCheckpoint | undefined> {
      const head = await journal.log.head();
      if (head.size <= (last?.size ?? 0)) return undefined;
      // One that is later is issued later, whatever the clock does: two of them are in order.
      const issuedMs = Math.max(Math.round(clock.nowMs()), (last?.issuedMs ?? 0) + 1);
      const payload = composeCheckpoint({ issuer: signer.did, ...head, issuedMs });
      const token = await signToken({ payload, signer, typ: 'bondline-checkpoint+jwt' });
      return { ...head, issuedMs, token };
    },
    kept(made: KeptCheckpoint | undefined): KeptCheckpoint | undefined {
      if (made === undefined) return last;
      last = made;
      proofs = new Map();
      roots.set(made.size, made.root);
      const [oldest] = roots.keys();
      if (roots.size > limits.checkpointRootsKept && oldest !== undefined) roots.delete(oldest);
      return made;
    },
    /** Why `to` continues what a gateway keeps; wrong where that is not of this journal. */
    async prove(from: Heard, to: KeptCheckpoint): Promise<readonly Uint8Array[]> {
      const key = `${from.size} ${from.root}`;
      const before = proofs.get(key);
      if (before) return before;
      let proof = from.isOurs ? await proven(from, to) : undefined;
      if (from.isOurs && proof === undefined) {
        // Damaged nodes must not make an honest journal look rewritten.
        await mend();
        proof = await proven(from, to);
      }
      const shown = proof ?? (await journal.log.prove(from.size, to.size));
      proofs.set(key, shown);
      return shown;
    },
    /** Whether a checkpoint is of this journal. */
    async continues(kept: LogHead): Promise<boolean> {
      const signed = roots.get(kept.size);
      if (signed !== undefined) return signed === kept.root;
      const head = await journal.log.head();
      if (kept.size > head.size) return false;
      const root = await journal.log.rootOf(kept.size);
      if (root === kept.root) return true;
      if ((await proven({ ...kept, root }, head)) !== undefined) return false;
      await mend();
      return (await journal.log.rootOf(kept.size)) === kept.root;
    },
  };
}

function headOf({ root, size }: LogHead) {
  return { size, root: Buffer.from(root, 'hex') };
}
