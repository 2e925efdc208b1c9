/**
 * The enrolment credentials of the gateway's devices: files that may appear or change while it
 * runs. Batches name them, and the forwarder brings them to the ingester. One that replaces the
 * key of its device is remembered until the device has gone over to it.
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

/** A device that is to sign with another key. */
export interface Succession {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

export interface Enrolments {
  /** Reads files that are new or changed; says whether there was one. */
  refresh(): boolean;
  /** The configuration has changed: these are the devices now. */
  replace(devices: readonly EnrolledDevice[]): void;
  /** Devices whose new key is enrolled, and which sign with the one that it replaces. */
  successions(): readonly Succession[];
  /** The device has gone over to the new key. What the old one signed keeps its enrolment. */
  succeeded(succession: Succession): void;
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
  /** By the DID that they replace; and DIDs that were replaced. */
  const successors = new Map<string, Succession>();
  const replaced = new Set<string>();

  /** The credential in the file and whose it is, or why it cannot be this device's. */
  function read(
    device: EnrolledDevice,
    token: Uint8Array,
  ): { readonly did: string; readonly reference: CredentialReference } | string {
    const opened = openToken(token, limits.credentialBytesMax);
    if (isRefusal(opened)) return opened.reason;
    const enrolment = readEnrolment(opened.payload);
    if (isRefusal(enrolment)) return enrolment.reason;
    if (enrolment.device !== device.did && enrolment.supersedes !== device.did) {
      return `it enrols ${enrolment.device}, not this device`;
    }
    if (enrolment.gateway !== gateway) return `it is for gateway ${enrolment.gateway}`;
    if (enrolment.profile.digest !== device.profileDigest) {
      // The ingester decides; the operator should know what it will say.
      log.warn('the enrolment names another version of the profile', { device: device.name });
    }
    return { did: enrolment.device, reference: { id: enrolment.id, digest: opened.digest } };
  }

  return {
    replace(next) {
      devices = next;
      const stays = (did: string): boolean =>
        replaced.has(did) ||
        next.some((device) => device.did === did || successors.get(device.did)?.to === did);
      for (const did of known.keys()) {
        if (stays(did)) continue;
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
        const found = read(device, token);
        if (typeof found === 'string') {
          log.warn('the enrolment file is of no use', { device: device.name, reason: found });
          continue;
        }
        const { did, reference } = found;
        known.set(did, { reference, token });
        if (did === device.did) successors.delete(did);
        else successors.set(device.did, { name: device.name, from: device.did, to: did });
        log.info('enrolment read', { device: device.name, id: reference.id });
        changed = true;
      }
      return changed;
    },
    successions: () => [...successors.values()],
    succeeded({ from, to }) {
      successors.delete(from);
      replaced.add(from);
      seen.set(to, seen.get(from) ?? NOTHING);
      devices = devices.map((device) => (device.did === from ? { ...device, did: to } : device));
    },
    of: (did) => known.get(did)?.reference,
    tokens: () => new Map([...known.values()].map((k) => [k.reference.digest, k.token])),
  };
}

/** DID of the device that the enrolment in a file is for; `undefined` where there is none in it. */
export function enrolledDidOf(file: Uint8Array): string | undefined {
  const opened = openToken(trimmed(file), limits.credentialBytesMax);
  const enrolment = isRefusal(opened) ? opened : readEnrolment(opened.payload);
  return isRefusal(enrolment) ? undefined : enrolment.device;
}

const NOTHING = new Uint8Array();

/** A file may end with a line feed; a credential does not. */
function trimmed(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] ?? 0) <= 0x20) end -= 1;
  return bytes.subarray(0, end);
}
