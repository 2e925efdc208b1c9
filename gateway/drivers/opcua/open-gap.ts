/**
 * What must outlive a kill of the gateway: that a device's gap is open, since when, and why. A
 * small file a device in the data directory, written before a loss is held back for history.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { explain } from '../../../devices/errors.ts';
import { writeFileDurably } from '../../../devices/io/write-file.ts';
import type { LossCause } from '../../../devices/reading.ts';
import { compileChecker, Type } from '../../../devices/schema.ts';
import type { DriverContext } from '../../driver.ts';

/** Why nothing is known, from this time until the next span begins. */
export interface Span {
  readonly fromMs: number;
  readonly cause: LossCause;
}

/** A gap that is open. Times are of our wall clock but for `last`. */
export interface OpenGap {
  /** Points whose loss is held back, and from when on nothing of them is signed. */
  readonly held: readonly string[];
  readonly heldMs: number;
  /** The same of all other points. */
  readonly otherMs: number;
  readonly spans: readonly Span[];
  /** Source time of the value of each point that was durable last. */
  readonly last: Readonly<Record<string, number>>;
}

export interface OpenGapFile {
  /** What the run before left open. */
  readonly left: OpenGap | undefined;
  /** Replaces what the file says. False: the disk does not take it, which is logged once. */
  keep(gap: OpenGap | undefined): boolean;
}

const causes: Readonly<Record<LossCause, true>> = {
  absent: true,
  timeout: true,
  refused: true,
  nonsense: true,
  'queue-full': true,
  'storage-full': true,
  'not-running': true,
  damaged: true,
  'given-way': true,
  thinned: true,
  'rolled-back': true,
};

const VERSION = 1;
const fileSchema = Type.Object({
  version: Type.Literal(VERSION),
  gap: Type.Optional(
    Type.Object({
      held: Type.Array(Type.String()),
      heldMs: Type.Number(),
      otherMs: Type.Number(),
      spans: Type.Array(
        Type.Object({
          fromMs: Type.Number(),
          cause: Type.String(),
        }),
        { minItems: 1 },
      ),
      last: Type.Record(Type.String(), Type.Number()),
    }),
  ),
});
const isFile = compileChecker(fileSchema);

/** Opens `gaps/DEVICE.json` below the data directory. */
export function openGapFile({ dataDirectory, device, log }: DriverContext): OpenGapFile {
  const folder = join(dataDirectory, 'gaps');
  const file = join(folder, `${device}.json`);
  const left = readGap(file, () => {
    log.warn(`${file} is damaged: a gap that it told of begins with the last batch instead`, {
      device,
    });
  });
  let isClear = left === undefined;
  let hasComplained = false;
  return {
    left,
    keep(gap) {
      if (gap === undefined && isClear) return true;
      try {
        mkdirSync(folder, { mode: 0o700 });
      } catch {
        // It is there already, or what is below says why it cannot be.
      }
      try {
        writeFileDurably(file, JSON.stringify({ version: VERSION, ...(gap && { gap }) }), 0o600);
      } catch (error) {
        if (!hasComplained) {
          const meaning = 'gaps are signed as losses at once and not filled from history';
          log.warn(`${file} cannot be written: ${meaning}`, { device, error: explain(error) });
        }
        hasComplained = true;
        return false;
      }
      isClear = gap === undefined;
      return true;
    },
  };
}

function readGap(file: string, onDamage: () => void): OpenGap | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined; // A device that never had a gap has no file.
  }
  const found = parse(text);
  const gap = isFile(found) ? found.gap : undefined;
  const spans = gap?.spans.filter(isSpan);
  if (gap && spans?.length === gap.spans.length) return { ...gap, spans };
  if (gap || !isFile(found)) onDamage();
  return undefined;
}

function isSpan(span: { readonly fromMs: number; readonly cause: string }): span is Span {
  return span.cause in causes;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
