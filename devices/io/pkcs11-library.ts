/**
 * PKCS#11 libraries of this process: the only file that loads pkcs11js, an optional dependency, and
 * the one that turns a token's codes (CKR_…) into ours.
 */
import type * as Pkcs11 from 'pkcs11js';
import { EdgeError, type ErrorCode } from '../errors.ts';

export type { Attribute, Handle, PKCS11 } from 'pkcs11js';

/** Values that pkcs11js 2.1 does not name (PKCS#11 3.0, pkcs11t.h). */
export const CKM_EC_EDWARDS_KEY_PAIR_GEN = 0x1055;
export const CKM_EDDSA = 0x1057;

/** A loaded library. */
export interface Library {
  readonly api: Pkcs11.PKCS11;
  readonly constants: typeof Pkcs11;
  /** The last user ends the library. */
  release(): void;
}

interface Loaded {
  readonly api: Pkcs11.PKCS11;
  readonly constants: typeof Pkcs11;
  /** Whether this thread started it; another thread's is left running. */
  readonly isOurs: boolean;
  users: number;
}

/** A library counts sessions and logins for a whole process, so each is started once. */
const libraries = new Map<string, Loaded>();

/**
 * Loads and starts the library at `path`, unless that has been done.
 *
 * @throws EdgeError KEY_MODULE_UNUSABLE
 */
export async function useLibrary(path: string): Promise<Library> {
  const what = `loading the PKCS#11 library ${path}`;
  let constants: typeof Pkcs11;
  try {
    constants = (await import('pkcs11js')).default;
  } catch (cause) {
    throw new EdgeError('KEY_MODULE_UNUSABLE', `${what}: the package pkcs11js`, { cause });
  }
  // No await from here on: two users that come together must find one another's.
  const loaded = libraries.get(path) ?? load(path, constants, what);
  libraries.set(path, loaded);
  loaded.users += 1;
  let isReleased = false;
  return {
    api: loaded.api,
    constants,
    release() {
      if (isReleased) return;
      isReleased = true;
      loaded.users -= 1;
      if (loaded.users > 0) return;
      libraries.delete(path);
      end(loaded);
    },
  };
}

function load(path: string, constants: typeof Pkcs11, what: string): Loaded {
  const api = new constants.PKCS11();
  try {
    api.load(path);
  } catch (cause) {
    throw new EdgeError('KEY_MODULE_UNUSABLE', what, { cause });
  }
  return { api, constants, isOurs: start(api, constants, what), users: 0 };
}

/** Starts the library for several threads: signatures are made outside of the event loop. */
function start(api: Pkcs11.PKCS11, constants: typeof Pkcs11, what: string): boolean {
  try {
    api.C_Initialize({ flags: constants.CKF_OS_LOCKING_OK });
    return true;
  } catch (cause) {
    if (codeOf(cause) === constants.CKR_CRYPTOKI_ALREADY_INITIALIZED) return false;
    throw new EdgeError('KEY_MODULE_UNUSABLE', what, { cause });
  }
}

function end({ api, isOurs }: Loaded): void {
  try {
    if (isOurs) api.C_Finalize();
  } catch {
    // It is not used any more; what it holds goes with the process.
  }
  api.close();
}

/** The token's code of an error (CKR_…), or `undefined` where it is not one. */
export function codeOf(error: unknown): number | undefined {
  const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown };
  return name === 'Pkcs11Error' && typeof code === 'number' ? code : undefined;
}

/** What the token's codes mean to an operator; any other is KEY_TOKEN_FAILED. */
const MEANINGS: Readonly<Record<string, ErrorCode>> = {
  CKR_PIN_INCORRECT: 'KEY_PIN_WRONG',
  CKR_PIN_INVALID: 'KEY_PIN_WRONG',
  CKR_PIN_LEN_RANGE: 'KEY_PIN_WRONG',
  CKR_PIN_LOCKED: 'KEY_PIN_LOCKED',
  CKR_PIN_EXPIRED: 'KEY_PIN_LOCKED',
  CKR_USER_PIN_NOT_INITIALIZED: 'KEY_PIN_LOCKED',
  CKR_MECHANISM_INVALID: 'KEY_ALGORITHM_MISSING',
};

/** The error that an operator sees of one that a library threw; ours stay as they are. */
export function toEdgeError(error: unknown, what: string): EdgeError {
  if (error instanceof EdgeError) return error;
  const said = error instanceof Error ? error.message : '';
  return new EdgeError(MEANINGS[said] ?? 'KEY_TOKEN_FAILED', what, { cause: error });
}
