/**
 * Folds what is in doubt into the device's twin: doubtful batches are shown there and change
 * nothing else until an act accepts them; a key that signed two histories puts it in quarantine.
 */
import type { Enrolment } from '../devices/credential/enrolment.ts';
import type { FoldAccess } from './fold-batch.ts';
import { type DoubtState, type TwinState, touch } from './fold-state.ts';
import { evidenceMax } from './rule.ts';
import type { JournalEntry } from './store.ts';

/** Notes a doubtful batch; a second time it changes nothing. */
export function putDoubtful(entry: JournalEntry, fold: FoldAccess): void {
  const { header, position } = entry;
  const found = deviceOf(entry, fold);
  if (found === undefined) return;
  const { doubt } = found;
  if (position <= doubt.reasonPosition) return;
  doubt.count += 1;
  doubt.firstMs =
    doubt.count === 1 ? header.receivedMs : Math.min(doubt.firstMs, header.receivedMs);
  if (doubt.positions.length < evidenceMax) doubt.positions.push(position);
  doubt.reason = `${header.code}: ${header.reason}`;
  doubt.reasonPosition = position;
}

/** Notes that an act accepted a doubtful batch. */
export function settleDoubtful(entry: JournalEntry, act: JournalEntry, fold: FoldAccess): void {
  const found = deviceOf(entry, fold);
  if (found === undefined) return;
  const { doubt, state } = found;
  doubt.accepted += 1;
  doubt.positions = doubt.positions.filter((position) => position !== entry.position);
  touch(state, { position: act.position, receivedMs: act.header.receivedMs });
}

/** From this entry on the device is in quarantine, unless it is already. */
export function beginQuarantine(entry: JournalEntry, fold: FoldAccess): void {
  const { header, position } = entry;
  const found = deviceOf(entry, fold);
  if (found === undefined || found.doubt.quarantine !== undefined) return;
  const { receivedMs: sinceMs, reason = '' } = header;
  found.doubt.quarantine = { position, sinceMs, reason };
}

/** An officer ends quarantines. */
export function endQuarantines(
  devices: readonly string[],
  { header, position }: JournalEntry,
  fold: FoldAccess,
): void {
  for (const device of devices) {
    const state = fold.find(header.tenant, 'device', device);
    if (state?.doubt?.quarantine === undefined) continue;
    touch(fold.open(header.tenant, 'device', device), { position, receivedMs: header.receivedMs });
    delete state.doubt.quarantine;
  }
}

/** A device that is enrolled in the place of one in quarantine ends what is to be done about it. */
export function supersede(enrolment: Enrolment, entry: JournalEntry, fold: FoldAccess): void {
  const { supersedes, device: supersededBy } = enrolment;
  if (supersedes === undefined) return;
  const { header, position } = entry;
  const doubt = fold.find(header.tenant, 'device', supersedes)?.doubt;
  if (doubt?.quarantine === undefined) return;
  const state = fold.open(header.tenant, 'device', supersedes);
  touch(state, { position, receivedMs: header.receivedMs });
  doubt.quarantine = { ...doubt.quarantine, supersededBy };
}

/** The twin that an entry is about; a stranger's bytes make none. */
function deviceOf(
  { header, position }: JournalEntry,
  fold: FoldAccess,
): { readonly state: TwinState; readonly doubt: DoubtState } | undefined {
  const { batch, receivedMs, tenant } = header;
  if (batch === undefined || fold.find(tenant, 'device', batch.device) === undefined) {
    return undefined;
  }
  const state = fold.open(tenant, 'device', batch.device);
  touch(state, { position, receivedMs });
  state.doubt ??= {
    count: 0,
    accepted: 0,
    firstMs: 0,
    positions: [],
    reason: '',
    reasonPosition: -1,
  };
  return { state, doubt: state.doubt };
}
