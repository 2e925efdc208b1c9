/**
 * One session on a PKCS#11 token: finds the token, logs in, lets one call after the other at it,
 * and opens itself again when the token has forgotten it.
 */
import { EdgeError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Clock } from '../runtime.ts';
import {
  codeOf,
  type Handle,
  type Library,
  type PKCS11,
  toEdgeError,
  useLibrary,
} from './pkcs11-library.ts';

/** Which token of which library. */
export interface TokenChoice {
  readonly module: string;
  readonly token?: string;
  readonly slot?: number;
}

/** What a call at the token is given. */
export interface TokenCall {
  readonly api: PKCS11;
  readonly constants: Library['constants'];
  readonly session: Handle;
  /** Another number: handles of objects that were found before mean nothing any more. */
  readonly generation: number;
}

export interface TokenSession {
  /**
   * Runs `action` when it is its turn. Where the session, the login or an object is gone, it is
   * opened again and `action` is run once more.
   *
   * @throws EdgeError KEY_TOKEN_FAILED and the others of a token
   */
  call<T>(what: string, action: (call: TokenCall) => T | Promise<T>): Promise<T>;
  /** Ends the session when what was asked is done. */
  close(): Promise<void>;
}

/**
 * Opens a session on the token and logs its user in.
 *
 * @throws EdgeError KEY_MODULE_UNUSABLE, KEY_TOKEN_MISSING, KEY_PIN_WRONG, KEY_PIN_LOCKED,
 *   KEY_TOKEN_FAILED
 */
export async function openTokenSession(
  choice: TokenChoice,
  pin: string,
  clock: Clock,
): Promise<TokenSession> {
  let library = await useLibrary(choice.module);
  const { constants } = library;
  let generation = 0;
  let session: Handle | undefined;
  let tail: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  /** The token failed or is away; some libraries see that it is back only when they start anew. */
  let isSuspect = false;
  /** A call never came back; the library must not be ended under it (PKCS#11 3.0 §5.4.2). */
  let isStuck = false;

  async function open(): Promise<Handle> {
    if (session === undefined && isSuspect && !isStuck) {
      library.release();
      library = await useLibrary(choice.module);
      isSuspect = false;
    }
    session ??= openSession(library, choice, pin);
    return session;
  }

  /** Forgets the session; the next call opens another. */
  function drop(): void {
    const old = session;
    session = undefined;
    generation += 1;
    if (old === undefined) return;
    try {
      library.api.C_CloseSession(old);
    } catch {
      // The token has forgotten it already: that is why it is dropped.
    }
  }

  async function run<T>(what: string, action: (call: TokenCall) => T | Promise<T>): Promise<T> {
    if (isClosed) throw new EdgeError('KEY_TOKEN_FAILED', `${what}: the key store is closed`);
    for (let isRepeated = false; ; isRepeated = true) {
      try {
        const opened = await open();
        const call = { api: library.api, constants, session: opened, generation };
        return await inTime(action(call), clock, what, () => {
          isStuck = true;
        });
      } catch (error) {
        const isOver = isLost(error, constants);
        isSuspect ||= isAway(error);
        // Whatever the token is busy with, the next call must not find it half done.
        if (!(error instanceof EdgeError) || error.code === 'KEY_TOKEN_FAILED') drop();
        if (!isOver || isRepeated) throw toEdgeError(error, what);
      }
    }
  }

  try {
    await open();
  } catch (error) {
    library.release();
    throw toEdgeError(error, `opening the token ${nameOf(choice)}`);
  }
  return {
    call(what, action) {
      const done = tail.then(() => run(what, action));
      tail = done.catch(() => undefined);
      return done;
    },
    async close() {
      await tail;
      if (isClosed) return;
      isClosed = true;
      drop();
      library.release();
    },
  };
}

/** A token that does not answer must not be waited for without end. */
async function inTime<T>(
  result: T | Promise<T>,
  clock: Clock,
  what: string,
  stuck: () => void,
): Promise<T> {
  if (!(result instanceof Promise)) return result;
  let cancel: () => void = () => undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(limits.keyTokenMs, () => {
      stuck();
      const seconds = limits.keyTokenMs / 1000;
      reject(new EdgeError('KEY_TOKEN_FAILED', `${what}: no answer within ${seconds} s`));
    });
  });
  try {
    return await Promise.race([result, late]);
  } finally {
    cancel();
  }
}

/** Whether the token itself said no, or is not there. */
function isAway(error: unknown): boolean {
  return codeOf(error) !== undefined || (error as EdgeError).code === 'KEY_TOKEN_MISSING';
}

/** Codes that go away with a new session and a new login. */
function isLost(error: unknown, constants: Library['constants']): boolean {
  const code = codeOf(error);
  return (
    code !== undefined &&
    [
      constants.CKR_SESSION_HANDLE_INVALID,
      constants.CKR_SESSION_CLOSED,
      constants.CKR_USER_NOT_LOGGED_IN,
      constants.CKR_DEVICE_REMOVED,
      constants.CKR_DEVICE_ERROR,
      constants.CKR_TOKEN_NOT_PRESENT,
      constants.CKR_KEY_HANDLE_INVALID,
      constants.CKR_OBJECT_HANDLE_INVALID,
      constants.CKR_OPERATION_ACTIVE,
    ].includes(code)
  );
}

function openSession(library: Library, choice: TokenChoice, pin: string): Handle {
  const { api, constants } = library;
  const slot = findSlot(library, choice);
  const { flags } = api.C_GetTokenInfo(slot);
  const risky = constants.CKF_USER_PIN_FINAL_TRY | constants.CKF_USER_PIN_LOCKED;
  if ((flags & risky) !== 0) {
    throw new EdgeError('KEY_PIN_LOCKED', `logging in to the token ${nameOf(choice)}`);
  }
  const session = api.C_OpenSession(slot, constants.CKF_SERIAL_SESSION | constants.CKF_RW_SESSION);
  try {
    api.C_Login(session, constants.CKU_USER, pin);
  } catch (error) {
    // A login is the process's: another session of ours has done it.
    if (codeOf(error) === constants.CKR_USER_ALREADY_LOGGED_IN) return session;
    api.C_CloseSession(session);
    throw toEdgeError(error, `logging in to the token ${nameOf(choice)}`);
  }
  return session;
}

/** A token may be in another slot after it was plugged in again: its label decides. */
function findSlot({ api }: Library, choice: TokenChoice): Handle {
  const found = api.C_GetSlotList(true).filter((slot) => {
    if (choice.slot !== undefined && numberOf(slot) !== choice.slot) return false;
    return choice.token === undefined || api.C_GetTokenInfo(slot).label.trimEnd() === choice.token;
  });
  const [slot, another] = found;
  if (slot === undefined) {
    throw new EdgeError('KEY_TOKEN_MISSING', `looking for the token ${nameOf(choice)}`);
  }
  if (another === undefined) return slot;
  const why = `${found.length} tokens have the label ${choice.token}; "slot" says which`;
  throw new EdgeError('KEY_TOKEN_MISSING', why);
}

/** pkcs11js hands slot numbers out as the bytes of a CK_ULONG, lowest first. */
function numberOf(slot: Handle): number {
  return slot.length === 8 ? Number(slot.readBigUInt64LE()) : slot.readUInt32LE();
}

function nameOf({ module, slot, token }: TokenChoice): string {
  const which = token === undefined ? `in slot ${slot}` : `"${token}"`;
  return `${which} of ${module}`;
}
