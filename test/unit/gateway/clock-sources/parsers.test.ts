import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTracking } from '../../../../gateway/clock-sources/chrony.ts';
import { readVariables } from '../../../../gateway/clock-sources/ntpd.ts';
import type { ClockAnswer } from '../../../../gateway/clock-sources/source.ts';
import { readTimesyncStatus } from '../../../../gateway/clock-sources/timesyncd.ts';

/** As chronyd 4.3 said it: 0.75 ms fast of a server behind 8 ms of delay. */
const tracking =
  '7F000001,127.0.0.1,4,1795316362.109407506,-0.000750211,0.000000019,0.000000295,-0.033,0.001,0.189,0.008000000,0.001205000,0.3,Normal\n';

const timesync = `       Server: 185.125.190.58 (ntp.ubuntu.com)
Poll interval: 34min 8s (min: 32s; max 34min 8s)
         Leap: normal
      Version: 4
      Stratum: 2
    Reference: 4FF33C32
    Precision: 1us (-25)
Root distance: 869us (max: 5s)
       Offset: -2.127ms
        Delay: 1s 32.316ms
       Jitter: 1.694ms
 Packet count: 2
    Frequency: -12.345ppm
`;

const variables = `associd=0 status=0615 leap_none, sync_ntp, 1 event, clock_sync,
version="ntpd 4.2.8p15@1.3728-o", processor="x86_64", system="Linux/6.1", leap=00,
stratum=3, precision=-24, rootdelay=11.118, rootdisp=20.361, refid=185.125.190.58,
reftime=e5a1b2c3.d4e5f607, clock=e5a1b2d4.00000000, peer=35521, tc=6, mintc=3,
offset=+0.123, frequency=-12.345, sys_jitter=0.456, clk_jitter=0.789
`;

describe('chronyc -c tracking', () => {
  const changed = (field: number, value: string) =>
    readTracking(tracking.split(',').with(field, value).join(','));

  it('gives offset (a slow clock is behind) and the bound of its error', () => {
    expect(readTracking(tracking)).toEqual({
      source: 'ntp',
      toldBy: 'chrony',
      offsetMs: 0.75,
      uncertaintyMs: 5.205,
    });
    expect(changed(4, '0.002')).toMatchObject({ offsetMs: -2 });
  });

  it.each([
    ['Not synchronised', 13, 'Not synchronised\n'],
    ['nobody', 0, '00000000'],
    ['its own clock (local stratum)', 0, '7F7F0101'],
  ])('is unsynchronised where it follows %s', (_, field, value) => {
    expect(changed(field, value)).toEqual({ source: 'unsynchronised', toldBy: 'chrony' });
  });

  it('knows a clock of its own', () => {
    const own = (reference: string, name: string) =>
      readTracking(tracking.replace('7F000001,127.0.0.1,4', `${reference},${name},1`))?.source;
    expect(own('47505300', 'GPS')).toBe('gnss');
    expect(own('50505300', '')).toBe('gnss');
    expect(own('50484330', 'PHC0')).toBe('ptp');
    expect(own('41424344', 'ABCD')).toBe('ntp');
  });

  it.each(['', '506 Cannot talk to daemon\n', tracking.replace(',4,', ',four,'), `${tracking}x`])(
    'says nothing for %j',
    (text) => expect(readTracking(text)).toBeUndefined(),
  );
});

describe('timedatectl timesync-status', () => {
  it('adds what was measured to what is not certain', () => {
    expect(readTimesyncStatus(timesync)).toEqual({
      source: 'ntp',
      toldBy: 'timesyncd',
      uncertaintyMs: 0.869 + 2.127 + 1_032.316 / 2,
    });
  });

  it('is unsynchronised before the first packet, and without a leap status', () => {
    const unsynchronised = { source: 'unsynchronised', toldBy: 'timesyncd' };
    expect(readTimesyncStatus('       Server: n/a (null)\n Packet count: 0\n')).toEqual(
      unsynchronised,
    );
    expect(readTimesyncStatus(timesync.replace('normal', 'not synchronized'))).toEqual(
      unsynchronised,
    );
  });

  it('keeps the source where it cannot read the figures', () => {
    const odd = timesync.replace('869us', '869 parsecs');
    expect(readTimesyncStatus(odd)).toEqual({ source: 'ntp', toldBy: 'timesyncd' });
  });
});

describe('ntpq -c rv', () => {
  it('gives offset, with the sign of the clock, and the bound of its error', () => {
    expect(readVariables(variables)).toEqual({
      source: 'ntp',
      toldBy: 'ntpd',
      offsetMs: -0.123,
      uncertaintyMs: 20.361 + 11.118 / 2,
    });
  });

  it('is unsynchronised at leap 11 and at stratum 16, and knows a receiver of its own', () => {
    expect(readVariables(variables.replace('leap=00', 'leap=11'))?.source).toBe('unsynchronised');
    expect(readVariables(variables.replace('stratum=3', 'stratum=16'))?.source).toBe(
      'unsynchronised',
    );
    const gps = variables.replace('stratum=3', 'stratum=1').replace(/refid=[^,]*/, 'refid=GPS');
    expect(readVariables(gps)?.source).toBe('gnss');
    expect(readVariables('ntpq: read: Connection refused')).toBeUndefined();
  });
});

it.each([
  ['chrony', readTracking, tracking],
  ['timesyncd', readTimesyncStatus, timesync],
  ['ntpd', readVariables, variables],
] as const)('%s: whatever comes, an answer is one that can be signed', (_, read, text) => {
  const signable = (answer: ClockAnswer | undefined) => {
    if (answer === undefined) return;
    for (const number of [answer.offsetMs, answer.uncertaintyMs]) {
      expect(number === undefined || Number.isFinite(number)).toBe(true);
    }
    expect(answer.uncertaintyMs ?? 0).toBeGreaterThanOrEqual(0);
  };
  const odd = fc
    .array(
      fc.record({
        at: fc.nat(text.length),
        drop: fc.nat(12),
        put: fc.oneof(
          fc.constantFrom('', ',', '\n', '-', '1e999', 'NaN', '-0', '9'.repeat(30), '0x1', '１'),
          fc.string({ maxLength: 6 }),
        ),
      }),
      { maxLength: 4 },
    )
    .map((edits) =>
      edits.reduce<string>(
        (now, { at, drop, put }) => now.slice(0, at) + put + now.slice(at + drop),
        text,
      ),
    );
  fc.assert(
    fc.property(fc.oneof(odd, fc.string()), (said) => signable(read(said))),
    { numRuns: 500 },
  );
});
