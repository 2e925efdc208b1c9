/**
 * Remembers what is held: nothing of it is journalled, so that a stranger cannot fill the record,
 * but a person must see who is waiting, and why.
 */

/** Credentials of one device that wait for an enrolment, a trusted organisation or a status. */
export interface HeldDevice {
  /** DID of the device, or of the organisation where an enrolment itself is held. */
  readonly device: string;
  /** Fingerprint of the gateway that delivers for it. */
  readonly gateway: string;
  /** How often something of it was held; a credential that is sent again counts again. */
  readonly count: number;
  /** Stable reason code and one sentence. */
  readonly code: string;
  readonly reason: string;
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface HeldBook {
  /** Notes that something was held. */
  hold(held: Omit<HeldDevice, 'count' | 'firstMs' | 'lastMs'>, nowMs: number): void;
  /** Forgets a device of which something was accepted or refused for good. */
  release(device: string, gateway: string): void;
  /** The longest waiting first. */
  list(): HeldDevice[];
}

/** A book of at most `devicesMax` devices; the one that was silent longest makes room. */
export function createHeldBook(devicesMax: number): HeldBook {
  // A Map keeps the order of insertion, and every hold moves its device to the end.
  const devices = new Map<string, HeldDevice>();
  return {
    hold(held, nowMs) {
      const key = keyOf(held.device, held.gateway);
      const before = devices.get(key);
      devices.delete(key);
      devices.set(key, {
        ...held,
        count: (before?.count ?? 0) + 1,
        firstMs: before?.firstMs ?? nowMs,
        lastMs: nowMs,
      });
      const [oldest] = devices.keys();
      if (devices.size > devicesMax && oldest !== undefined) devices.delete(oldest);
    },
    release(device, gateway) {
      if (devices.size > 0) devices.delete(keyOf(device, gateway));
    },
    list: () => [...devices.values()].sort((a, b) => a.firstMs - b.firstMs),
  };
}

function keyOf(device: string, gateway: string): string {
  return `${gateway} ${device}`;
}
