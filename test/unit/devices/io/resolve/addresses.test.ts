import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isListed,
  isPublicAddress,
  mayDial,
  readAllowance,
} from '../../../../../devices/io/resolve/addresses.ts';

/** Written from the registries a second time, by first and last address. */
const IPV4 = [
  ['0.0.0.0', '0.255.255.255'],
  ['10.0.0.0', '10.255.255.255'],
  ['100.64.0.0', '100.127.255.255'],
  ['127.0.0.0', '127.255.255.255'],
  ['169.254.0.0', '169.254.255.255'],
  ['172.16.0.0', '172.31.255.255'],
  ['192.0.0.0', '192.0.0.255'],
  ['192.0.2.0', '192.0.2.255'],
  ['192.31.196.0', '192.31.196.255'],
  ['192.52.193.0', '192.52.193.255'],
  ['192.88.99.0', '192.88.99.255'],
  ['192.168.0.0', '192.168.255.255'],
  ['192.175.48.0', '192.175.48.255'],
  ['198.18.0.0', '198.19.255.255'],
  ['198.51.100.0', '198.51.100.255'],
  ['203.0.113.0', '203.0.113.255'],
  ['224.0.0.0', '255.255.255.255'],
] as const;

const IPV6 = [
  ['::', '1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2620:4f:8000::', '2620:4f:8000:ffff:ffff:ffff:ffff:ffff'],
  ['3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['4000::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
] as const;

const blocked = new BlockList();
for (const [first, last] of IPV4) blocked.addRange(first, last, 'ipv4');
const blocked6 = new BlockList();
for (const [first, last] of IPV6) blocked6.addRange(first, last, 'ipv6');

const dotted = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');
const numberOf = (address: string) =>
  address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

describe('an address', () => {
  it('of IPv4 is public outside of the special ranges', () => {
    const edges = IPV4.flatMap(([first, last]) => [
      numberOf(first) - 1,
      numberOf(first),
      numberOf(last),
      numberOf(last) + 1,
    ]).filter((value) => value >= 0 && value < 2 ** 32);
    const any = fc.oneof(fc.constantFrom(...edges), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
    fc.assert(
      fc.property(any, (value) => {
        const address = dotted(value);
        expect(isPublicAddress(address), address).toBe(!blocked.check(address, 'ipv4'));
      }),
      { numRuns: 3_000 },
    );
  });

  it('of IPv6 is public within 2000::/3, outside of its special ranges', () => {
    const near = fc
      .tuple(
        fc.constantFrom(0x2000, 0x2001, 0x2002, 0x2003, 0x2620, 0x3fff, 0x1fff, 0x4000, 0xfe80),
        fc.oneof(fc.constantFrom(0, 0x1ff, 0x200, 0xdb8, 0x4f, 0xfff, 0x1000), fc.nat(0xffff)),
        fc.oneof(fc.constantFrom(0, 0x8000, 0x8001), fc.nat(0xffff)),
        fc.nat(0xffff),
      )
      .map((groups) => `${groups.map((group) => group.toString(16)).join(':')}::1`);
    fc.assert(
      fc.property(fc.oneof(near, fc.ipV6()), (address) => {
        expect(isPublicAddress(address), address).toBe(!blocked6.check(address, 'ipv6'));
      }),
      { numRuns: 3_000 },
    );
  });

  it.each([
    '::ffff:93.184.216.34',
    '::ffff:7f00:1',
    '::127.0.0.1',
    '64:ff9b::5db8:d822',
    '64:ff9b:1::1',
    '2002:7f00:1::',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    'fc00::1',
    'fd12::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '2606:2800:220:1::1%1',
    '0177.0.0.1',
    '2130706433',
    '127.1',
    'localhost',
    '',
  ])('%s is not public', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946', '2a00::', '172.32.0.1'])(
    '%s is public',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );
});

describe('an allowance', () => {
  it('opens its ranges for every host, its hosts for every address, and nothing else', () => {
    const allowance = readAllowance(['10.1.0.0/16', 'fd00:1::/32', '127.0.0.1', 'a.internal']);
    expect(mayDial('x.example', '10.1.255.255', allowance)).toBe(true);
    expect(mayDial('x.example', '10.2.0.0', allowance)).toBe(false);
    expect(mayDial('x.example', 'fd00:1:ffff::1', allowance)).toBe(true);
    expect(mayDial('x.example', 'fd00:2::1', allowance)).toBe(false);
    expect(mayDial('x.example', '127.0.0.1', allowance)).toBe(true);
    expect(mayDial('x.example', '127.0.0.2', allowance)).toBe(false);
    expect(mayDial('x.example', '93.184.216.34', allowance)).toBe(true);
    expect(mayDial('a.internal', '192.168.3.4', allowance)).toBe(true);
    expect(mayDial('b.a.internal', '192.168.3.4', allowance)).toBe(false);
    expect(mayDial('a.internal', 'nonsense', allowance)).toBe(false);
    expect(isListed('93.184.216.34', allowance)).toBe(false);
  });

  it('of a range is the range, whatever the bits', () => {
    const bits = fc.integer({ min: 0, max: 32 });
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), bits, (base, address, length) => {
        const list = new BlockList();
        list.addSubnet(base, length, 'ipv4');
        const allowance = readAllowance([`${base}/${length}`]);
        expect(isListed(address, allowance)).toBe(list.check(address, 'ipv4'));
        expect(isListed(base, allowance)).toBe(true);
      }),
    );
  });

  it.each(['10.0.0.0/33', 'fd00::/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0', 'A.example', ''])(
    'of %j is a mistake',
    (entry) => {
      expect(() => readAllowance([entry])).toThrow(
        expect.objectContaining({ code: 'NET_ALLOWANCE_INVALID' }),
      );
    },
  );
});
