/** What a checkpoint of the ingester says beside the one that this gateway kept last. Pure. */
import type { Checkpoint, Notice } from '../devices/credential/checkpoint.ts';
import { isConsistent, type TreeHead } from '../devices/merkle.ts';

/**
 * `older`: it arrived late. `unproven`: it may continue what was kept, but what came with it does
 * not show that; proofs are not signed, so that the line can have changed one. `contradiction`: no
 * journal that only grows has both, as two signatures of its ingester say.
 */
export type Continuity = 'first' | 'same' | 'continues' | 'older' | 'unproven' | 'contradiction';

/**
 * Size and time of an honest ingester's checkpoints grow together, so that of two the order is
 * known however they arrive, and the same one may come twice.
 */
export function judgeNotice(
  kept: Checkpoint | undefined,
  told: Checkpoint,
  notice: Notice,
): Continuity {
  if (kept === undefined) return 'first';
  if (told.size === kept.size) return told.root === kept.root ? 'same' : 'contradiction';
  if (told.size < kept.size) return told.issuedMs < kept.issuedMs ? 'older' : 'contradiction';
  if (told.issuedMs <= kept.issuedMs) return 'contradiction';
  if (notice.from !== kept.size) return 'unproven';
  return isConsistent(headOf(kept), headOf(told), notice.proof) ? 'continues' : 'unproven';
}

function headOf({ root, size }: Checkpoint): TreeHead {
  return { size, root: Buffer.from(root, 'hex') };
}
