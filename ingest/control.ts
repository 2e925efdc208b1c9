/**
 * How a command finds the ingester that runs on a data directory: a file that names its addresses
 * and a token, readable by the owner alone.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EdgeError } from '../devices/errors.ts';
import { isDiskFailure } from '../devices/io/sqlite.ts';
import { writeFileDurably } from '../devices/io/write-file.ts';
import { compileChecker, type Static, Type } from '../devices/schema.ts';

const controlSchema = Type.Object({
  pid: Type.Integer({ minimum: 1 }),
  /** Base address of the API. */
  http: Type.String(),
  /** Address of the first source. */
  mqtt: Type.String(),
  /** Addresses of all sources, in the order of the configuration. */
  uplinks: Type.Optional(Type.Array(Type.String())),
  /** DID of the key that signs receipts; gateways pin it. */
  ingester: Type.String(),
  /** Bearer token of the commands that change something. */
  token: Type.String(),
});

export type Control = Static<typeof controlSchema>;

const isControl = compileChecker(controlSchema);

function controlFile(data: string): string {
  return join(data, 'control.json');
}

/** The file of an ingester that runs. */
export interface RunningControl {
  /**
   * Says where it is found.
   *
   * @throws EdgeError CFG_DIRECTORY_UNWRITABLE, DB_DISK_FAILED
   */
  write(control: Control): void;
  /** It does not end in order: the file stays, so that the next start looks more closely. */
  keep(): void;
  /** It ended in order; a file that another run left stays until this one has written its own. */
  remove(): void;
}

export function createControl(data: string): RunningControl {
  const file = controlFile(data);
  let isOurs = false;
  return {
    write(control) {
      try {
        writeFileDurably(file, `${JSON.stringify(control, null, 2)}\n`, 0o600);
        isOurs = true;
      } catch (cause) {
        if (isDiskFailure(cause)) throw cause;
        throw new EdgeError('CFG_DIRECTORY_UNWRITABLE', `writing ${file}`, { cause });
      }
    },
    keep() {
      isOurs = false;
    },
    remove() {
      if (isOurs) rmSync(file, { force: true });
    },
  };
}

/** What the file says, or `undefined` when there is none; a crash may have left it behind. */
export function readControl(data: string): Control | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(controlFile(data), 'utf8'));
    return isControl(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
