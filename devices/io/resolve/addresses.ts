/**
 * Which IP addresses are public, and which others an operator allows. What is not certainly public
 * is refused: an address that a document names must never lead into our own network.
 */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { EdgeError } from '../../errors.ts';

/** Hosts and ranges that may be private, as configured. */
export interface Allowance {
  readonly hosts: ReadonlySet<string>;
  readonly ranges: readonly Range[];
}

/** Addresses that begin with the first `bits` of `bytes`. */
interface Range {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/**
 * IANA IPv4 Special-Purpose Address Registry, all of it, also the few that are routed (relays and
 * sinks, where nobody publishes documents), with multicast (RFC 5771).
 */
const SPECIAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
].map(rangeOf);

/** RFC 4291 §2.4: the only space of which public addresses are given out. */
const GLOBAL_IPV6 = rangeOf('2000::/3');

/**
 * IANA IPv6 Special-Purpose Address Registry within that space: protocol assignments with Teredo,
 * documentation, 6to4 (which hides an IPv4 address), AS112. Everything else of the registry (IPv4
 * mapped, NAT64, unique local, link-local, site-local, multicast) lies outside.
 */
const SPECIAL_IPV6 = [
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '2620:4f:8000::/48',
  '3fff::/20',
].map(rangeOf);

/** Whether `address` (text of an IPv4 or IPv6 address, without a zone) is certainly public. */
export function isPublicAddress(address: string): boolean {
  const bytes = bytesOf(address);
  if (!bytes) return false;
  if (bytes.length === 4) return !SPECIAL_IPV4.some((range) => isWithin(bytes, range));
  return isWithin(bytes, GLOBAL_IPV6) && !SPECIAL_IPV6.some((range) => isWithin(bytes, range));
}

/** Whether a connection to `address`, which `host` was found to have, may be made. */
export function mayDial(host: string, address: string, allowance: Allowance): boolean {
  if (isPublicAddress(address) || isListed(address, allowance)) return true;
  return allowance.hosts.has(host) && isIP(address) > 0;
}

/** Whether an address stands in one of the configured ranges. */
export function isListed(address: string, { ranges }: Allowance): boolean {
  const bytes = bytesOf(address);
  return bytes !== undefined && ranges.some((range) => isWithin(bytes, range));
}

/**
 * Host names (`resolver.internal`, `localhost`), addresses (`10.1.2.3`, `fd00::1`) and ranges
 * (`10.1.0.0/16`) as they stand in a configuration.
 *
 * @throws EdgeError NET_ALLOWANCE_INVALID
 */
export function readAllowance(entries: readonly string[]): Allowance {
  const wrong = entries.find((entry) => !isAllowance(entry));
  if (wrong !== undefined) {
    throw new EdgeError('NET_ALLOWANCE_INVALID', `reading allowPrivate: ${wrong.slice(0, 100)}`);
  }
  return {
    hosts: new Set(entries.filter(isHost)),
    ranges: entries.filter(isRange).map(rangeOf),
  };
}

/** Whether `readAllowance` takes an entry. */
export function isAllowance(entry: string): boolean {
  return isHost(entry) || isRange(entry);
}

const HOST = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** Letters, so that no spelling of an address is a host. */
function isHost(entry: string): boolean {
  return HOST.test(entry) && !/^[\d.]+$/.test(entry) && entry.length <= 253;
}

function isRange(entry: string): boolean {
  const [address = '', bits, ...more] = entry.split('/');
  const bytes = bytesOf(address);
  if (!bytes || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= bytes.length * 8);
}

function rangeOf(entry: string): Range {
  const [address = '', bits] = entry.split('/');
  const bytes = bytesOf(address) ?? new Uint8Array();
  return { bytes, bits: bits === undefined ? bytes.length * 8 : Number(bits) };
}

function isWithin(address: Uint8Array, { bytes, bits }: Range): boolean {
  if (address.length !== bytes.length) return false;
  const whole = bits >> 3;
  for (let index = 0; index < whole; index += 1) {
    if (address[index] !== bytes[index]) return false;
  }
  const mask = (0xff00 >> (bits & 7)) & 0xff;
  return ((address[whole] ?? 0) & mask) === ((bytes[whole] ?? 0) & mask);
}

/** The 4 or 16 bytes of an address; `undefined` for anything else, and for one with a zone. */
function bytesOf(address: string): Uint8Array | undefined {
  if (isIPv4(address)) return Uint8Array.from(address.split('.').map(Number));
  if (!isIPv6(address) || address.includes('%')) return undefined;
  // RFC 4291 §2.2: the last four bytes may be written as an IPv4 address.
  const text = address.replace(/\d+\.\d+\.\d+\.\d+$/, (dotted) => {
    const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head = '', tail] = text.split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const zeros = new Array<number>(8 - before.length - after.length).fill(0);
  return Uint8Array.from(
    [...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff]),
  );
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}
