/** That a missing batch is asked for where a history is too long to list everything. */
import { describe, expect, it } from 'vitest';
import { limits } from '../../devices/limits.ts';
import { foldPlugins } from '../../ingest/apply-plugins.ts';
import { emptyHistory, putBatch } from '../../ingest/fold-history.ts';
import { noRoutes } from '../../ingest/fold-routes.ts';
import { emptyState, type TwinState } from '../../ingest/fold-state.ts';
import { viewOf } from '../../ingest/twin-view.ts';
import { type AppliedDevice, type AppliedEpoch, nothingApplied } from './applied.ts';
import { checkGaps, nothingBounded } from './check-omission.ts';
import { noFacts } from './facts.ts';

const did = 'did:key:zDevice';

/** A device of which these batches are here: in the twin, and in what we know ourselves. */
function deviceWith(epochs: readonly (readonly number[])[]) {
  const state = { ...emptyState('id', 'sim', 'device', did), history: emptyHistory() };
  const known = new Map<string, AppliedEpoch>();
  let position = 0;
  for (const [index, sequences] of epochs.entries()) {
    const [counter, nonce] = [index + 1, `nonce${index + 1}`];
    for (const sequence of sequences) {
      position += 1;
      const stamp = { position, device: did, counter, nonce, sequence, receivedMs: position };
      const placed = { digest: `${counter}-${sequence}`, follows: undefined, closedMs: position };
      putBatch(state.history, { ...stamp, trusted: true }, placed);
    }
    const last = Math.max(...sequences);
    const epoch = { counter, nonce, follows: undefined, sequences: new Set(sequences), last };
    known.set(`${counter} ${nonce}`, epoch);
  }
  const device: AppliedDevice = {
    ...{ batches: 0, readings: 0, epochs: known, newest: new Map(), last: undefined },
  };
  return { state, applied: { ...nothingApplied(), devices: new Map([[did, device]]) } };
}

function look(
  { applied, state }: ReturnType<typeof deviceWith>,
  gapsOf = (gaps: NonNullable<ReturnType<typeof viewOf>['gaps']>) => gaps,
) {
  const bounded = nothingBounded();
  const view = (one: TwinState) => {
    const twin = viewOf(one, { plugins: foldPlugins, routes: noRoutes, nowMs: 0 });
    return { ...twin, gaps: [...gapsOf(twin.gaps ?? [])] };
  };
  return { said: checkGaps(noFacts(), applied, { changed: [state], view, bounded }), bounded };
}

const everyOther = Array.from({ length: limits.historyRangesMax + 5 }, (_, index) => 2 * index + 2);

describe('the check that what is missing shows', () => {
  it('holds for an epoch whose holes were joined, and for the others of the device', () => {
    const device = deviceWith([everyOther, [1, 3]]);
    expect(device.state.history.epochs[0]?.coarse).toBe(true);
    const { bounded, said } = look(device);
    expect(said).toEqual([]);
    expect(bounded).toEqual({ coarseHistories: 1, shortHistories: 0 });
  });

  it('sees that neither a joined gap nor one of another epoch is shown', () => {
    const device = deviceWith([everyOther, [1, 3]]);
    const joined = look(device, (gaps) => gaps.filter(({ some }) => !some)).said;
    expect(joined.length).toBeGreaterThan(1);
    const other = look(device, (gaps) => gaps.filter(({ epoch }) => epoch !== 2)).said;
    expect(other).toEqual([expect.stringMatching(/epoch 2 .* sequence 2 is missing/)]);
  });

  it('asks for nothing of epochs that were dropped, and for all of those that are left', () => {
    const epochs = Array.from({ length: limits.historyEpochsMax + 3 }, () => [1, 3]);
    const device = deviceWith(epochs);
    const { bounded, said } = look(device);
    expect(said).toEqual([]);
    expect(bounded).toEqual({ coarseHistories: 0, shortHistories: 1 });
    expect(look(device, () => []).said).toHaveLength(limits.historyEpochsMax);
  });

  it('sees an epoch that is gone without need', () => {
    const device = deviceWith([[1, 3], [1]]);
    device.state.history.epochs.shift();
    expect(look(device).said).toHaveLength(1);
  });
});
