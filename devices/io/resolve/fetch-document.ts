/**
 * Fetches one document over HTTPS, in a way that cannot be turned against the network that we
 * stand in: the name is looked up once and by us, every address is checked, one that was checked
 * is dialled, and nothing that the other side says leads anywhere else.
 */
import { lookup as lookUp } from 'node:dns/promises';
import { isIP } from 'node:net';
import { limits } from '../../limits.ts';
import type { Clock } from '../../runtime.ts';
import { type Allowance, isListed, mayDial, readAllowance } from './addresses.ts';
import { ask, codeOf, ended, type Fetched, type FetchRefusal, no, type Target } from './ask.ts';

export type { Fetched, FetchRefusal } from './ask.ts';

/** What is the same for all fetches of a process. */
export interface FetchSettings {
  readonly clock: Clock;
  /** Hosts, addresses and ranges that may be private; see `readAllowance`. Default: none. */
  readonly allowPrivate?: readonly string[];
  /** PEM of authorities that are trusted besides the well-known ones. */
  readonly authorities?: string;
  /** All addresses of a name; default: the system's. */
  readonly lookup?: (host: string) => Promise<readonly string[]>;
}

export interface FetchOptions extends FetchSettings {
  /** Accept header. */
  readonly accept?: string;
  /** Default `limits.fetchBytesMax`. */
  readonly bytesMax?: number;
  /** For everything from the look-up to the last byte; default `limits.fetchMs`. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * The document at an `https:` URL, or a refusal. Never throws for what the other side does, and
 * never tries again; the caller decides whether the code is worth it.
 *
 * @throws EdgeError NET_ALLOWANCE_INVALID
 */
export async function fetchDocument(
  url: string,
  options: FetchOptions,
): Promise<Fetched | FetchRefusal> {
  const allowance = readAllowance(options.allowPrivate ?? []);
  const target = targetOf(url, allowance);
  if ('code' in target) return target;
  const end = new AbortController();
  const { clock, signal, timeoutMs = limits.fetchMs } = options;
  const cancelTimer = clock.after(timeoutMs, () => end.abort('NET_TIMEOUT'));
  const cancel = () => end.abort('NET_CANCELLED');
  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    const addresses = await addressesOf(target, allowance, options, end.signal);
    if ('code' in addresses) return addresses;
    let last: Fetched | FetchRefusal = no('NET_NAME_UNKNOWN', `${target.host} has no address`);
    for (const address of addresses.slice(0, limits.fetchAddressesMax)) {
      last = await ask(target, address, { ...options, signal: end.signal });
      // Only an address that takes no connection is a reason to try the next one.
      if (!('code' in last) || last.code !== 'NET_UNREACHABLE') return last;
    }
    return last;
  } finally {
    cancelTimer();
    signal?.removeEventListener('abort', cancel);
  }
}

function targetOf(url: string, allowance: Allowance): Target | FetchRefusal {
  const refuse = (why: string) => no('NET_URL_REFUSED', `${url.slice(0, 200)} ${why}`);
  if (url.length > limits.didLengthMax || !URL.canParse(url)) return refuse('is not a URL');
  const { hostname, host, password, pathname, port, protocol, search, username } = new URL(url);
  if (protocol !== 'https:') return refuse('is not https');
  if (username !== '' || password !== '') return refuse('carries a login');
  const name = hostname.replace(/^\[|\]$/g, '');
  if (isIP(name) > 0) {
    // A certificate for bare addresses says nothing about who is there.
    if (!isListed(name, allowance)) return refuse('names an address instead of a host');
  } else if (!allowance.hosts.has(name) && !/^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/.test(name)) {
    return refuse('has no full host name');
  }
  const path = `${pathname}${search}`;
  return { url, host: name, authority: host, port: port === '' ? 443 : Number(port), path };
}

/** Every address of the target's host, if each of them may be dialled. */
async function addressesOf(
  { host }: Target,
  allowance: Allowance,
  { lookup = systemLookup }: FetchOptions,
  signal: AbortSignal,
): Promise<readonly string[] | FetchRefusal> {
  if (isIP(host) > 0) return [host];
  let addresses: readonly string[];
  try {
    addresses = await unlessAborted(lookup(host), signal);
  } catch (error) {
    if (signal.aborted) return ended(signal, `looking up ${host}`);
    return no('NET_NAME_UNKNOWN', `${host} has no address: ${codeOf(error)}`);
  }
  // One private address among public ones is how a name is made to point inwards now and then.
  const inward = addresses.find((address) => !mayDial(host, address, allowance));
  if (inward === undefined) return addresses;
  return no('NET_ADDRESS_PRIVATE', `${host} has the address ${inward}`);
}

async function systemLookup(host: string): Promise<readonly string[]> {
  const found = await lookUp(host, { all: true, order: 'verbatim' });
  return found.map(({ address }) => address);
}

/** The look-up of a name cannot be cancelled, but it need not be waited for. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new Error('aborted'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
