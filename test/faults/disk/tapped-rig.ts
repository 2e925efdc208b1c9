/**
 * A rig whose gateway reaches its ingester through a tap, with the judgement over all that was seen
 * on the wire: what every fault of a whole process's disk is judged by.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { RunningCommand } from '../../support/commands.ts';
import { type Rig, startRig } from '../../support/rig.ts';
import { endGateway } from '../end-gateway.ts';
import { addTallies, type Tally } from '../fault.ts';
import { judgeJournal, readJournal } from '../judge-journal.ts';
import { openWireTap, type WireTap } from './wire-tap.ts';

export interface TappedRig extends Rig {
  readonly tap: WireTap;
  /** A gateway; nobody waits for what it does. */
  startGateway(): RunningCommand;
  /**
   * Stops both in order, and judges the journal: `notes` are what was wrong before.
   */
  judge(running: Running, notes: readonly string[]): Promise<Tally>;
}

/** What waits at the end is sent within this many seconds. */
const DRAIN_S = 50;

/** What runs at the end. */
export interface Running {
  readonly gateway: RunningCommand;
  readonly ingester: RunningCommand;
}

/** @param directory A folder of its own, in which data directories may be there already. */
export async function startTappedRig(directory: string): Promise<TappedRig> {
  const rig = await startRig(directory);
  const { site } = rig;
  const tap = await openWireTap(site.mqtt);
  const text = readFileSync(site.gatewayConfig, 'utf8');
  writeFileSync(site.gatewayConfig, text.replace(site.mqtt, tap.url));
  return {
    ...rig,
    tap,
    startGateway: () =>
      site.start('gateway', [
        'run',
        site.gatewayConfig,
        '--json',
        '--attached',
        '--drain',
        `${DRAIN_S}`,
      ]),
    judge: (running, notes) => judge(rig, { tap, running, notes }),
    async close() {
      await rig.close();
      await tap.close();
    },
  };
}

/** The chain in the journal, and all that was seen on the wire. */
async function judge(
  { site }: Rig,
  parts: { readonly tap: WireTap; readonly running: Running; readonly notes: readonly string[] },
): Promise<Tally> {
  const { running, tap } = parts;
  // A disk that failed may have left it with something that it cannot hand over.
  const notes = [...parts.notes, ...(await endGateway(running.gateway, DRAIN_S))];
  const ended = await running.ingester.stop();
  if (ended !== 0) notes.push(`the ingester ended with ${ended}: ${running.ingester.said}`);
  const stored = new Set(readJournal(site.journalFile).map(({ header }) => header.digest));
  const { lost, notes: missing } = judgeLedger(tap, stored);
  const own = { count: 0, lost, doubled: 0, wrong: notes.length, notes: [...notes, ...missing] };
  const figures = { batchesOnTheWire: tap.left.size, receipted: tap.accepted.size };
  return { ...addTallies(own, await judgeJournal(site)), figures };
}

/** Pure: what left the gateway, or was called accepted, and is not in the journal at the end. */
export function judgeLedger(
  { accepted, left }: Pick<WireTap, 'accepted' | 'left'>,
  stored: ReadonlySet<string>,
): { lost: number; notes: string[] } {
  const gone = [...new Set([...left, ...accepted])].filter((digest) => !stored.has(digest));
  const told = (digest: string) => (accepted.has(digest) ? 'was receipted' : 'had left');
  return { lost: gone.length, notes: gone.map((one) => `${one} ${told(one)} and is nowhere`) };
}
