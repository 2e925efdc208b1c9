/**
 * The enrolment credentials of the gateway's devices: files that may appear or change while it
 * runs. Batches name them, and the forwarder brings them to the ingester.
 */
import type { CredentialReference } from '../devices/credential/batch.ts';
import { readEnrolment } from '../devices/credential/enrolment-wire.ts';
import { openToken } from '../devices/credential/jws.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { limits } from '../devices/limits.ts';
import type { Log } from '../devices/runtime.ts';

/** A device and where its enrolment is expected. */
export interface EnrolledDevice {
  readonly name: string;
  readonly did: string;
  readonly profileDigest: string;
  readonly path?: string;
}

export interface Enrolments {
  /** Reads files that are new or changed; says whether there was one. */
  refresh(): boolean;
  /** The configuration has changed: these are the devices now. */
  replace(devices: readonly EnrolledDevice[]): void;
  /** What a device's batches name; absent until it is enrolled. */
  of(did: string): CredentialReference | undefined;
  /** All enrolment credentials, by digest. */
  tokens(): ReadonlyMap<string, Uint8Array>;
}

export function createEnrolments(options: {
  readonly devices: readonly EnrolledDevice[];
  /** DID of this gateway. */
  readonly gateway: string;
  /** The file's bytes, or `undefined` where there is none. */
  readonly readFile: (path: string) => Uint8Array | undefined;
  readonly log: Log;
}): Enrolments {
  const { gateway, log, readFile } = options;
  let { devices } = options;
  const seen = new Map<string, Uint8Array>();
  const known = new Map<string, { reference: CredentialReference; token: Uint8Array }>();

  /** The credential in the file, or why it cannot be this device's. */
  function read(device: EnrolledDevice, token: Uint8Array): CredentialReference | string {
    const opened = openToken(token, limits.credentialBytesMax);
    if (isRefusal(opened)) return opened.reason;
    const enrolment = readEnrolment(opened.payload);
    if (isRefusal(enrolment)) return enrolment.reason;
    if (enrolment.device !== device.did) return `it enrols ${enrolment.device}, not this device`;
    if (enrolment.gateway !== gateway) return `it is for gateway ${enrolment.gateway}`;
    if (enrolment.profile.digest !== device.profileDigest) {
      // The ingester decides; the operator should know what it will say.
      log.warn('the enrolment names another version of the profile', { device: device.name });
    }
    return { id: enrolment.id, digest: opened.digest };
  }

  return {
    replace(next) {
      devices = next;
      for (const did of known.keys()) {
        if (next.some((device) => device.did === did)) continue;
        known.delete(did);
        seen.delete(did);
      }
    },
    refresh() {
      let changed = false;
      for (const device of devices) {
        if (device.path === undefined) continue;
        const bytes = readFile(device.path);
        if (!bytes || Buffer.compare(bytes, seen.get(device.did) ?? NOTHING) === 0) continue;
        seen.set(device.did, bytes);
        const token = trimmed(bytes);
        const reference = read(device, token);
        if (typeof reference === 'string') {
          log.warn('the enrolment file is of no use', { device: device.name, reason: reference });
          continue;
        }
        known.set(device.did, { reference, token });
        log.info('enrolment read', { device: device.name, id: reference.id });
        changed = true;
      }
      return changed;
    },
    of: (did) => known.get(did)?.reference,
    tokens: () => new Map([...known.values()].map((k) => [k.reference.digest, k.token])),
  };
}

const NOTHING = new Uint8Array();

/** A file may end with a line feed; a credential does not. */
function trimmed(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] ?? 0) <= 0x20) end -= 1;
  return bytes.subarray(0, end);
}
