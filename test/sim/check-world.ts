/** The promises, checked over everything that a simulated world has left behind. */
import { readBatch } from '../../devices/credential/batch-wire.ts';
import { openToken } from '../../devices/credential/jws.ts';
import { limits } from '../../devices/limits.ts';
import type { JournalEntry } from '../../ingest/store.ts';
import type { Office } from './office.ts';
import type { Sensor } from './sensor.ts';
import type { Station } from './station.ts';

/** What a changed last byte of a token is refused for. */
const FORGED: readonly string[] = ['VC_SIGNATURE', 'VC_MALFORMED'];

/** Sentences about broken promises. */
export function checkWorld(world: {
  readonly entries: readonly JournalEntry[];
  readonly stations: readonly Station[];
  readonly sensors: readonly Sensor[];
  readonly office: Office;
}): string[] {
  const batches = world.entries.filter(({ header }) => header.kind === 'batch');
  const broken: string[] = [];
  // What was changed on the way is refused; nothing else is.
  const odd = world.entries.filter(
    ({ header: { kind, code } }) =>
      kind === 'equivocation' || (kind === 'refusal' && !FORGED.includes(code ?? '')),
  );
  for (const { header } of odd) broken.push(`${header.kind} ${header.code}: ${header.reason}`);
  broken.push(...checkNothingLost(batches, world.stations));
  broken.push(...checkChains(batches, world.stations));
  broken.push(...checkReadings(batches, world.sensors));
  const differs = world.office.rebuildDiffers();
  if (differs) broken.push(`rebuilt twins differ: ${differs}`);
  for (const part of [world.office, ...world.stations]) {
    if (part.failure !== undefined) broken.push(`a part failed: ${String(part.failure)}`);
  }
  return broken;
}

/** Every batch that was ever committed at a station is in the journal, or still waits there. */
function checkNothingLost(
  batches: readonly JournalEntry[],
  stations: readonly Station[],
): string[] {
  const stored = new Set(batches.map(({ header }) => header.digest));
  return stations.flatMap((station) => {
    const waiting = new Set(station.waiting());
    const gone = station.committed.filter((digest) => !stored.has(digest) && !waiting.has(digest));
    return gone.length > 0
      ? [`${gone.length} committed batches are nowhere, first ${gone[0]}`]
      : [];
  });
}

/** Each place in a device's history is taken once, and each epoch follows the one before it. */
function checkChains(batches: readonly JournalEntry[], stations: readonly Station[]): string[] {
  const broken: string[] = [];
  const digests = new Set(batches.map(({ header }) => header.digest));
  for (const station of stations) for (const digest of station.waiting()) digests.add(digest);
  const places = new Set<string>();
  for (const { header } of batches) {
    const key = header.batch;
    if (!key) continue;
    const place = `${key.device} ${key.epochCounter} ${key.epochNonce} ${key.sequence}`;
    if (places.has(place)) broken.push(`${place} is taken twice`);
    places.add(place);
    if (key.previous !== undefined && !digests.has(key.previous)) {
      broken.push(`the batch before ${place} is missing`);
    }
  }
  return broken;
}

/** No value appears twice, and none appears that no sensor gave. */
function checkReadings(batches: readonly JournalEntry[], sensors: readonly Sensor[]): string[] {
  const served = new Set(
    sensors.flatMap(({ ledger }) => ledger.map((s) => `${s.device} ${s.point} ${s.rawHex}`)),
  );
  const broken: string[] = [];
  const seen = new Set<string>();
  for (const { bytes } of batches) {
    const opened = openToken(bytes, limits.batchBytesMax);
    if ('code' in opened) return [`a stored batch cannot be opened: ${opened.reason}`];
    const batch = readBatch(opened.payload);
    if ('code' in batch) return [`a stored batch cannot be read: ${batch.reason}`];
    for (const { about, readings } of batch.groups) {
      const device = about?.split('/').at(-1);
      for (const { point, rawHex } of readings) {
        const name = `${device} ${point} ${rawHex}`;
        if (seen.has(name)) broken.push(`${name} was applied twice`);
        if (!served.has(name)) broken.push(`${name} was never served`);
        seen.add(name);
      }
    }
  }
  return broken;
}
