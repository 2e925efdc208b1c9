/** Promise: custody never skips. Its head moves only along a release and its acceptance. */
import type { TwinState } from '../../ingest/fold-state.ts';
import type { AppliedWorld } from './applied.ts';

/** The chain that the holders of some goods sign, in order; others may claim what they like. */
export interface CustodyChain {
  readonly goods: string;
  readonly steps: readonly { readonly release: string; readonly acceptance: string }[];
}

/** After each transaction of the twins: as far as the pairs that are here go, and no further. */
export function checkHead(
  applied: AppliedWorld,
  chain: CustodyChain,
  changed: readonly TwinState[],
): string[] {
  const twin = changed.find(({ uri }) => uri === chain.goods);
  if (twin === undefined) return [];
  const { head = '', moves = 0 } = twin.custody ?? {};
  let complete = 0;
  for (const { acceptance, release } of chain.steps) {
    if (!applied.steps.has(release) || !applied.steps.has(acceptance)) break;
    complete += 1;
  }
  const expected = chain.steps[complete - 1]?.acceptance ?? '';
  if (head === expected && moves === complete) return [];
  return [`custody moved ${moves} times to ${head}, not ${complete} times to ${expected}`];
}
