/**
 * Gives out every stored reading, aggregate and signed loss: decoded from the tokens, a JSON line
 * each.
 */
import { aggregatesOf } from '../devices/credential/aggregate-wire.ts';
import type { BatchPayload, ReportPayload } from '../devices/credential/batch-schema.ts';
import { lossOf } from '../devices/credential/reading-wire.ts';
import { limits } from '../devices/limits.ts';
import { readAct } from './act.ts';
import { batchPayload, enrolmentPayload } from './apply-payload.ts';
import { timeOf } from './fold-element.ts';
import type { JournalReader } from './journal-reader.ts';
import type { JournalEntry } from './store.ts';

/** Lines of a stretch of the journal, and the position where the next stretch begins. */
export interface ReadingLines {
  readonly text: string;
  readonly next: number;
  /** Entries of the journal when it was read. */
  readonly size: number;
}

const CHUNK_BYTES_MAX = 2 * 1024 * 1024;

/** Names that devices have at their sites, by DID; read again when one is not known. */
export class DeviceLabels {
  private readonly journal: JournalReader;
  private labels = new Map<string, string>();
  private readAt = -1;

  constructor(journal: JournalReader) {
    this.journal = journal;
  }

  /** The label of the newest enrolment; empty for a device without one. */
  of(device: string): string {
    const known = this.labels.get(device);
    const size = known === undefined ? this.journal.size() : this.readAt;
    if (size !== this.readAt) {
      this.readAt = size;
      const enrolments = this.journal.readKinds(['enrolment']).map(enrolmentPayload);
      this.labels = new Map(enrolments.map(({ device: did, label }) => [did, label]));
    }
    return known ?? this.labels.get(device) ?? '';
  }
}

/** The lines of at most `count` entries from `from` on. */
export function readLines(
  journal: JournalReader,
  labels: DeviceLabels,
  { from, count }: { from: number; count: number },
): ReadingLines {
  const size = journal.size();
  const entries = journal.read(from, Math.min(count, limits.apiEntriesMax), CHUNK_BYTES_MAX);
  const lines = entries
    .flatMap((entry) => batchesIn(entry, journal))
    .flatMap((entry) => linesOf(entry, labels));
  return {
    text: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    next: (entries.at(-1)?.position ?? from - 1) + 1,
    size,
  };
}

/** The batches that take effect with an entry: itself, or those that an act accepts. */
function batchesIn(entry: JournalEntry, journal: JournalReader): readonly JournalEntry[] {
  if (entry.header.kind === 'batch') return [entry];
  const accepted = entry.header.kind === 'act' ? readAct(entry.bytes)?.accept : undefined;
  return (accepted ?? []).flatMap((position) => journal.read(position, 1));
}

function linesOf(entry: JournalEntry, labels: DeviceLabels): object[] {
  const payload = batchPayload(entry);
  const { credentialSubject: subject, issuer: device } = payload;
  const common = { position: entry.position, device, deviceLabel: labels.of(device) };
  const lines: object[] = [];
  for (const element of subject.sensorElementList ?? []) {
    for (const report of element.sensorReport) {
      lines.push({ ...common, kind: 'reading', ...readingOf(element, report) });
    }
  }
  // Never as readings: what stands for many is none of them.
  for (const element of subject['bl:aggregates']?.sensorElementList ?? []) {
    const { aggregates, ...span } = aggregatesOf(element);
    for (const { last, ...one } of aggregates) {
      const text = typeof last === 'bigint' ? last.toString() : last;
      const value = text === undefined ? {} : { last: text };
      lines.push({ ...common, kind: 'aggregate', ...span, ...one, ...value });
    }
  }
  for (const loss of subject['bl:losses'] ?? []) {
    lines.push({ ...common, kind: 'loss', ...lossOf(loss) });
  }
  return lines;
}

type Element = NonNullable<BatchPayload['credentialSubject']['sensorElementList']>[number];

/** One reading with what is known of it; integers beyond a double stay decimal text. */
export function readingOf({ sensorMetadata }: Element, report: ReportPayload) {
  const about = sensorMetadata['bl:about'];
  const gatewayTime = sensorMetadata['bl:gatewayTime'];
  const deviceClock = sensorMetadata['bl:deviceClock'];
  const status = report['bl:status'];
  const serverTime = report['bl:serverTime'];
  const value = report.value ?? report.stringValue ?? report.booleanValue;
  return {
    timeMs: timeOf(sensorMetadata.time),
    ...(gatewayTime === undefined ? {} : { gatewayTimeMs: timeOf(gatewayTime) }),
    ...(deviceClock === undefined ? {} : { deviceClock }),
    ...(about === undefined ? {} : { about }),
    point: report['bl:point'],
    type: report.type,
    rawHex: report.hexBinaryValue ?? '',
    ...(value === undefined ? {} : { value }),
    unit: report.uom ?? '',
    quality: report['bl:quality'] ?? 'good',
    ...(status === undefined ? {} : { status }),
    ...(serverTime === undefined ? {} : { serverTimeMs: timeOf(serverTime) }),
  };
}
