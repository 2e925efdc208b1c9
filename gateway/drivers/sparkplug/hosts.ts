/** Shares one host application among all devices of a gateway that name its broker and host id. */
import { type HostOptions, SparkplugHost } from './host.ts';

export interface HostLease {
  readonly host: SparkplugHost;
  /** The host ends when nobody uses it any more. Idempotent. */
  release(): Promise<void>;
}

interface Entry {
  readonly host: SparkplugHost;
  readonly settings: string;
  users: number;
}

const hosts = new Map<string, Entry>();
/** Hosts that are on their way out; the next one under the same id waits for them. */
const leaving = new Map<string, Promise<void>>();

/**
 * The host application of `gateway` at that broker under that id. `undefined` where it is open
 * with other `settings`: two clients under one host id would tell the edge nodes contrary things.
 */
export function leaseHost(
  gateway: string,
  settings: string,
  options: Omit<HostOptions, 'after'>,
): HostLease | undefined {
  const { hostId, url } = options;
  const key = JSON.stringify([gateway, url, hostId]);
  const known = hosts.get(key);
  if (known !== undefined && known.settings !== settings) return undefined;
  const after = leaving.get(key) ?? Promise.resolve();
  const entry = known ?? { host: new SparkplugHost({ ...options, after }), settings, users: 0 };
  hosts.set(key, entry);
  entry.users += 1;
  let isReleased = false;
  return {
    host: entry.host,
    async release() {
      if (isReleased) return leaving.get(key);
      isReleased = true;
      entry.users -= 1;
      if (entry.users > 0) return;
      hosts.delete(key);
      const closed = entry.host.close().finally(() => {
        if (leaving.get(key) === closed) leaving.delete(key);
      });
      leaving.set(key, closed);
      await closed;
    },
  };
}
