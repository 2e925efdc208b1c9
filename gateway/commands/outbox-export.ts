/** `bondline-gateway outbox export`: evidence of what waits, also while the gateway runs. */
import { readEnrolment } from '../../devices/credential/enrolment-wire.ts';
import { openToken } from '../../devices/credential/jws.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { EdgeError } from '../../devices/errors.ts';
import { withoutLineEnd } from '../../devices/io/documents.ts';
import { type Database, sqliteCode } from '../../devices/io/sqlite.ts';
import { limits } from '../../devices/limits.ts';
import { parseTime } from '../../devices/runtime.ts';
import { type EvidenceOptions, type Exported, writeEvidence } from '../outbox-evidence.ts';
import { walkOutbox } from '../outbox-walk.ts';
import {
  type CommandContext,
  EXIT,
  type LoadedConfig,
  progressOf,
  readFileIfAny,
} from './command.ts';
import { sayDamaged } from './outbox-verify.ts';

export interface ExportValues {
  readonly out?: string | undefined;
  readonly device?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly json?: boolean | undefined;
}

/** @throws EdgeError CFG_USAGE; GW_OUTBOX_ROWS_DAMAGED after the others are written */
export function exportOutbox(
  db: Database,
  values: ExportValues,
  { config, resolvePath }: LoadedConfig,
  context: CommandContext,
): number {
  const { out: file } = values;
  if (file === undefined) throw new EdgeError('CFG_USAGE', '--out FILE is missing');
  const enrolled = config.devices.flatMap(({ enrolment, name }) => {
    const bytes = enrolment === undefined ? undefined : readFileIfAny(resolvePath(enrolment));
    const read = bytes && readEnrolled(bytes);
    return read ? [{ name, ...read }] : [];
  });
  const wanted = values.device;
  const did = enrolled.find(({ name }) => name === wanted)?.device ?? wanted;
  const progress = progressOf(context, 'batches');
  const exported = write({
    ...{ db, file },
    gateway: enrolled[0]?.gateway ?? gatewayIn(db),
    enrolments: enrolled.filter((one) => !wanted || one.device === did).map(({ token }) => token),
    device: did,
    sinceMs: timeOf('since', values.since),
    untilMs: timeOf('until', values.until),
    onBatch: progress.at,
  });
  progress.end();
  const { batches, damaged, files, papers } = exported;
  if (values.json) context.out(`${JSON.stringify(exported)}\n`);
  else {
    sayDamaged(damaged, context);
    const what = papers === 0 ? '' : ` and ${papers} papers`;
    context.out(`${batches} batches${what} written to ${files.join(', ')}\n`);
  }
  if (damaged.length === 0) return EXIT.well;
  throw new EdgeError('GW_OUTBOX_ROWS_DAMAGED', `${damaged.length} batches are in no file`);
}

function write(options: EvidenceOptions): Exported {
  try {
    return writeEvidence(options);
  } catch (cause) {
    if (cause instanceof EdgeError || sqliteCode(cause) !== '') throw cause;
    throw new EdgeError('CFG_DIRECTORY_UNWRITABLE', `writing ${options.file}`, { cause });
  }
}

function timeOf(name: string, text: string | undefined): number | undefined {
  const ms = text === undefined ? undefined : parseTime(text);
  if (text === undefined || ms !== undefined) return ms;
  throw new EdgeError('CFG_USAGE', `--${name} ${text} is not a time, e.g. 2026-11-21T12:00:00Z`);
}

function readEnrolled(
  bytes: Uint8Array,
): { token: Uint8Array; device: string; gateway: string } | undefined {
  const token = withoutLineEnd(bytes);
  const opened = openToken(token, limits.credentialBytesMax);
  const enrolment = isRefusal(opened) ? opened : readEnrolment(opened.payload);
  if (isRefusal(enrolment)) return undefined;
  const { device, gateway } = enrolment;
  return { token, device, gateway };
}

/** What the oldest batch says whose it is. */
function gatewayIn(db: Database): string | undefined {
  for (const { judged } of walkOutbox(db)) if (judged.batch) return judged.batch.gateway;
  return undefined;
}
