/** The status page says what is so, and lets nobody write into it. */
import { describe, expect, it } from 'vitest';
import { devicePage, overviewPage } from '../../../../gateway/http/page.ts';
import { formatAge, formatBytes } from '../../../../gateway/http/text.ts';
import { deviceSnapshot, gatewaySnapshot } from '../../../support/gateway-snapshot.ts';

describe('the overview', () => {
  it('names a stale device in its heading and its title', () => {
    const fresh = overviewPage(gatewaySnapshot());
    expect(fresh).toContain('1 device, data fresh');
    const page = overviewPage(gatewaySnapshot({ devices: [deviceSnapshot({ ageMs: 60_000 })] }));
    expect(page).toContain('stale: fc-1');
    expect(page).toContain('<title>neche: stale data</title>');
    expect(page).toContain('1 min ago');
  });

  it('says when a certificate expires, and marks one that expires soon', () => {
    const certificate = {
      use: 'own certificate',
      subject: 'CN=gateway',
      fingerprint: 'AA:BB',
      notAfterMs: 100_000 + 10 * 86_400_000,
    };
    const page = (notAfterMs: number) =>
      overviewPage(
        gatewaySnapshot({
          devices: [deviceSnapshot({ certificates: [{ ...certificate, notAfterMs }] })],
        }),
      );
    expect(page(certificate.notAfterMs)).toContain('<span class="mark warn">10 days left</span>');
    expect(page(99_999)).toContain('<span class="mark bad">expired</span>');
    expect(page(100_000 + 90 * 86_400_000)).toContain(
      '<span class="mark good">90 days left</span>',
    );
  });

  it('marks a full outbox, lost readings and a clock that nothing sets', () => {
    const { counters, outbox } = gatewaySnapshot();
    const page = overviewPage(
      gatewaySnapshot({
        outbox: { ...outbox, bytes: 900_000, bytesMax: 1_000_000 },
        counters: { ...counters, dropped: 3 },
        clock: { source: 'unsynchronised', monotonicMs: 1, steps: 2 },
        uplink: { up: false },
      }),
    );
    expect(page).toContain('(90 %)');
    expect(page).toContain('3 not kept');
    expect(page).toContain('<span class="mark warn">unsynchronised</span>');
    expect(page).toContain('offset not known; 2 steps');
    expect(page).toContain('<span class="mark bad">down</span>');
  });

  it('says how far the ingester’s record is proven, and when it contradicts itself', () => {
    const { witness } = gatewaySnapshot();
    const tileOf = (given: Partial<typeof witness>) => {
      const page = overviewPage(gatewaySnapshot({ witness: { ...witness, ...given } }));
      return /<dt>Record kept by the ingester<\/dt><dd>(.*?)<\/dd>/.exec(page)?.[1];
    };
    const asOf = 'as of 1970-01-01T00:01:30.000Z';
    const more = (text: string) => `<span class="second">${text}</span>`;
    expect(tileOf({})).toBe(`4,711 entries${more(`${asOf}, kept here`)}`);
    expect(tileOf({ silent: true })).toBe(
      `<span class="mark warn">4,711 entries</span>${more(`${asOf}, kept here; nothing further is shown`)}`,
    );
    expect(tileOf({ unproven: true })).toBe(
      `<span class="mark bad">4,711 entries</span>${more(`${asOf}, NOT proven to continue`)}`,
    );
    expect(tileOf({ contradiction: true, unproven: true })).toBe(
      '<span class="mark bad">CONTRADICTS</span>' +
        more(`what it signed before: 4,711 entries ${asOf}`),
    );
    const page = overviewPage(
      gatewaySnapshot({ witness: { contradiction: false, silent: false, unproven: false } }),
    );
    expect(page).toContain(`none yet${more('no checkpoint has come')}`);
  });
});

describe('the page of a device', () => {
  it('shows value, unit, quality and all times of each point', () => {
    const snapshot = gatewaySnapshot();
    const device = deviceSnapshot({
      points: [
        {
          point: 'temperature',
          summary: 'Temperature.',
          unit: 'CEL',
          value: -18.25,
          quality: 'uncertain',
          status: 'out-of-range',
          sourceTimeMs: 40_000,
          serverTimeMs: 40_250,
          gatewayTimeMs: 99_900,
        },
        { point: 'pressure', summary: 'Pressure.', unit: 'PS' },
      ],
    });
    const page = devicePage(snapshot, device);
    expect(page).toContain('-18.25 °C');
    expect(page).toContain('<span class="mark warn">uncertain</span>');
    expect(page).toContain('out-of-range');
    expect(page).toContain('1970-01-01T00:00:40.000Z');
    expect(page).toContain('1 min ago');
    expect(page).toContain('<span class="quiet">none</span>');
    expect(page).toContain('<span class="second">server: 1970-01-01T00:00:40.250Z</span>');
    expect(page.match(/server: /g)).toHaveLength(1);
  });

  it('never takes a text of a device for markup', () => {
    const evil = '<img src=x onerror="alert(1)">';
    const device = deviceSnapshot({
      reason: evil,
      points: [{ point: 'a', summary: evil, unit: '', value: evil, quality: 'good', status: evil }],
    });
    const pages = [
      devicePage(gatewaySnapshot(), device),
      overviewPage(gatewaySnapshot({ devices: [device] })),
    ];
    for (const page of pages) {
      expect(page).not.toContain('<img');
      expect(page).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;');
    }
  });
});

describe('the page of a device that fell silent', () => {
  it('calls no value good', () => {
    const fresh = gatewaySnapshot();
    expect(devicePage(fresh, deviceSnapshot())).toContain('<span class="mark good">good</span>');
    const page = devicePage(fresh, deviceSnapshot({ ageMs: 60_000 }));
    expect(page).not.toContain('<span class="mark good">good</span>');
    expect(page).toContain('<span class="mark bad">stale</span>');
    expect(page).toContain('was good');
  });
});

describe('texts for people', () => {
  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1 s'],
    [60_000, '1 min'],
    [125_000, '2 min 5 s'],
    [3_600_000, '1 h'],
    [90_061_000, '1 d 1 h'],
  ])('%d ms is %s', (ms, text) => expect(formatAge(ms)).toBe(text));

  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1.0 KiB'],
    [1_073_741_824, '1.0 GiB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
});
