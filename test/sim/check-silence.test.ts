/** That the check of silence can fail, both ways. */
import { describe, expect, it } from 'vitest';
import { limits } from '../../devices/limits.ts';
import { foldPlugins } from '../../ingest/apply-plugins.ts';
import { noRoutes } from '../../ingest/fold-routes.ts';
import { emptyState, type TwinState } from '../../ingest/fold-state.ts';
import { viewOf } from '../../ingest/twin-view.ts';
import { nothingApplied } from './applied.ts';
import { checkSilence, nothingHeard } from './check-silence.ts';
import type { SignedBatch } from './facts.ts';

const did = 'did:key:zDevice';
const heartbeatMs = 600_000;
const state = emptyState('id', 'sim', 'device', did);

/** What is said of a device that was heard of at 0, at a tick, if its twin says so or not. */
function look(nowMs: number, isAlerted: boolean, heard = nothingHeard(), isFound = false) {
  const batch = { counter: 1, nonce: 'n', sequence: 1 } as SignedBatch;
  const device = { batches: 1, readings: 0, epochs: new Map(), newest: new Map() };
  const last = { batch, receivedMs: 0 };
  const applied = { ...nothingApplied(), nowMs, devices: new Map([[did, { ...device, last }]]) };
  const view = (one: TwinState) => {
    const twin = viewOf(one, { plugins: foldPlugins, routes: noRoutes, nowMs });
    const alerts = [{ code: 'SILENT' }] as unknown as typeof twin.alerts;
    return { ...twin, alerts: isAlerted ? alerts : [] };
  };
  const changed = heard.states.size === 0 && !isFound ? [state] : [];
  return checkSilence(heard, applied, { changed, heartbeatMs, isFound, view });
}

const dueMs = heartbeatMs + limits.staleGraceMs;

describe('the check that a missing end shows', () => {
  it('holds until the heartbeat and the grace are over, and from then on', () => {
    expect(look(dueMs - 1, false)).toEqual([]);
    expect(look(dueMs, true)).toEqual([]);
  });

  it('sees a silence that nobody tells, and one that is none', () => {
    expect(look(dueMs, false)).toEqual([expect.stringMatching(/is silent and nobody says so/)]);
    expect(look(dueMs - 1, true)).toEqual([expect.stringMatching(/is not silent/)]);
  });

  it('sees at a tick what changed no twin, and forgets what was told before a start', () => {
    const heard = nothingHeard();
    expect(look(dueMs - 1, false, heard)).toEqual([]);
    expect(look(dueMs, false, heard)).toHaveLength(1);
    expect(look(dueMs + 1, false, heard, true)).toEqual([]);
  });
});
