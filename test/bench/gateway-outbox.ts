/**
 * The outbox alone, as the gateway runs it: in its worker, with a file's keys, FULL sync and
 * batches of 256 readings. How many readings a second become durable, and how long one batch waits.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKeyStore } from '../../devices/io/key-store-open.ts';
import { limits } from '../../devices/limits.ts';
import { silentLog } from '../../devices/runtime.ts';
import { openOutbox } from '../../gateway/outbox-client.ts';
import { readingGroups, someDigest, someProfile } from '../support/signed-batch.ts';
import { type Figure, figure, quantile } from './figure.ts';

/** What the issue asks for, readings a second, and how long a group may take, milliseconds. */
const ASKED = 25_000;
const GROUP_MS = 50;
const DEVICES = 4;
const WARM_UP_MS = 1_000;
const MEASURE_MS = 6_000;
/** Batches that come one by one, for the time that a group of one takes from call to disk. */
const LONE = 300;

/** Measures; `say` gets progress. */
export async function benchOutbox(say: (line: string) => void): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-outbox-'));
  try {
    const path = join(directory, 'keys.json');
    const keys = { settings: { store: 'file', path, secret: {} }, secret: 'bench' } as const;
    const labels = Array.from({ length: DEVICES }, (_, index) => `fc-${index + 1}`);
    const made = await openKeyStore(keys);
    for (const label of labels) await made.create(label, 'ES256');
    await made.close();
    const { identities, outbox } = await openOutbox(
      {
        ...{ file: join(directory, 'data', 'outbox.db'), keys, labels },
        ...{ bytesMax: limits.outboxBytesMaxDefault, whenFull: 'keep-oldest' },
      },
      silentLog,
    );
    const draft = (device: string) => {
      const closedMs = Date.now();
      return {
        ...{ device, gateway: device, profile: someProfile, configuration: someDigest },
        readPoint: 'did:web:bench.example/facility/one',
        clock: { source: 'unknown' as const, monotonicMs: performance.now(), steps: 0 },
        closedMs,
        groups: readingGroups({ fromMs: closedMs - 1_000, times: 16, points: 16 }),
        losses: [],
      };
    };
    const startedMs = performance.now() + WARM_UP_MS;
    const endsMs = startedMs + MEASURE_MS;
    let readings = 0;
    // Each device has one batch at the key and one behind it, as its issuer does.
    const feed = async (device: string) => {
      while (performance.now() < endsMs) {
        const appended = await outbox.append(draft(device));
        if (performance.now() >= startedMs) readings += appended.readings;
      }
    };
    await Promise.all(identities.flatMap(({ did }) => [feed(did), feed(did)]));
    const seconds = (performance.now() - startedMs) / 1_000;
    const [device] = identities;
    const waits: number[] = [];
    while (waits.length < LONE) {
      const asked = performance.now();
      await outbox.append(draft(device?.did ?? ''));
      waits.push(performance.now() - asked);
    }
    await outbox.close();
    const perSecond = readings / seconds;
    say(`outbox: ${Math.round(perSecond)} readings a second are durable`);
    const groupMs = quantile(waits, 0.99);
    return [
      figure('gateway.outbox.readingsPerSecond', perSecond, '1/s', ASKED),
      figure('gateway.outbox.groupP99Ms', groupMs, 'ms', GROUP_MS),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
