/** The console in a real browser, on a real API, real SQLite and really signed batches. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Reading } from '../../devices/reading.ts';
import { systemClock } from '../../devices/runtime.ts';
import { launchBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { hasPeer } from '../support/peers.ts';
import { TwinWorld, type WorldDevice } from '../support/twin-world.ts';

const mill = 'did:web:lakehead-steel.example';
const heat = `${mill}/heat/26041`;
/** What a mill could name a grade to get at an officer's browser. */
const hostileGrade = '<img src=x onerror="document.title=1">';

const consoleSource = fileURLToPath(
  new URL('../../ingest/console/vite.config.ts', import.meta.url),
);

let consoleDirectory: string;
let browser: Browser;
let world: TwinWorld;
let line: WorldDevice;
let page: Page;
/** Addresses that the page asked, and what it complained about. */
let asked: string[];
let complaints: string[];

const reading = (point: string, value: string | number, rawHex: string, unit = ''): Reading => ({
  point,
  type: 'Dimensionless',
  unit,
  rawHex,
  quality: 'good',
  value,
});

const tap = (weightKg: number) =>
  world.batch(line, [
    {
      timeMs: Math.round(systemClock.nowMs()) - 5,
      about: heat,
      readings: [
        reading('grade', hostileGrade, '3c'),
        reading('heatWeight', weightKg, '4064080000000000', 'KGM'),
      ],
    },
  ]);

/** Text of the row of a twin in the list. */
const row = (name: string) => page.locator('table.twins tbody tr', { hasText: name });

async function shows(locator: ReturnType<Page['locator']>, text: string | RegExp): Promise<void> {
  await eventually(
    async () => {
      const found = (await locator.count()) === 0 ? '' : await locator.first().innerText();
      const flat = found.replaceAll(/[\s\u00a0]+/g, ' ');
      return typeof text === 'string' ? flat.includes(text) : text.test(flat);
    },
    `the page to show ${String(text)}`,
  );
}

describe.skipIf(!hasPeer('chromium'))('the console', () => {
  beforeAll(async () => {
    consoleDirectory = mkdtempSync(join(tmpdir(), 'bondline-console-'));
    await build({
      configFile: consoleSource,
      logLevel: 'warn',
      build: { outDir: consoleDirectory, emptyOutDir: true },
    });
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(consoleDirectory, { recursive: true, force: true });
  });

  beforeEach(async () => {
    world = new TwinWorld();
    const organisation = world.organisation(mill, 'Lakehead Steel');
    line = await world.enrol({
      organisation,
      label: 'line-1',
      profile: 'steel-line',
      goods: [`${mill}/`],
      facility: {
        id: `${mill}/facility/hamilton`,
        name: 'Hamilton works',
        unlocode: 'CAHAM',
        latitude: 43.2557,
        longitude: -79.8711,
        accuracyM: 400,
      },
    });
    await tap(182_400);
    await world.start({ consoleDirectory });
    await world.settled();
    asked = [];
    complaints = [];
    page = await browser.newPage({ viewport: { width: 1366, height: 768 } });
    page.on('request', (request) => asked.push(request.url()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(world.api.address);
    await row('Heat 26041').waitFor();
  });

  afterEach(async () => {
    await page?.close();
    await world.end();
  });

  it('lists a twin with place, controller, newest values, age and proof', async () => {
    await shows(row('Heat 26041'), 'Hamilton works (CAHAM)');
    await shows(row('Heat 26041'), 'Lakehead Steel');
    await shows(row('Heat 26041'), '182,400 kg');
    await shows(row('Heat 26041'), /\d+ s .*verified/);
    await shows(page.locator('header'), 'live');
    // It needs nothing from anywhere else, and breaks no rule of the page's own policy.
    expect(asked.filter((url) => !url.startsWith(world.api.address))).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('shows what a mill writes as text and nothing else', async () => {
    await shows(row('Heat 26041'), hostileGrade);
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    expect(await page.title()).toBe('Bondline');
  });

  it('shows a new value without being reloaded, and lets ages go on', async () => {
    await tap(183_000);
    await shows(row('Heat 26041'), '183,000 kg');
    const age = row('Heat 26041').locator('time');
    const before = await age.innerText();
    await eventually(async () => (await age.innerText()) !== before, 'the age to go on');
    expect(asked.filter((url) => url.endsWith('/api/twins'))).toHaveLength(1);
  });

  it('leads by keyboard from the list to the raw words and back to the organisation', async () => {
    const { position } = await tap(183_000);
    await row('Heat 26041').getByRole('link').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Heat 26041' }).waitFor();
    expect(page.url()).toContain('#/twin/');
    await shows(page.locator('table.attributes'), '183,000 kg');
    await page.getByRole('link', { name: 'Show the proof of heatWeight' }).focus();
    await page.keyboard.press('Enter');
    const proof = page.locator('.proof');
    await shows(proof, 'Every link was checked again just now');
    await shows(proof, '4064080000000000');
    await shows(proof, `position ${position}`);
    await shows(proof, line.signer.did);
    await shows(proof, line.enrolment.id);
    await shows(proof, `DID ${mill}`);
    expect(await proof.locator('.check-failed').count()).toBe(0);
    expect(await proof.locator('.check-ok').count()).toBeGreaterThanOrEqual(8);
    // The address names the proof, so that an officer can hand it on.
    await page.reload();
    await shows(page.locator('.proof'), '4064080000000000');
  });

  it('announces an alert, marks its twin by shape and word, and takes it away again', async () => {
    const missing = await world.batch(line, [], { keep: false });
    await tap(183_000);
    await shows(row('line-1'), '▲ GAP');
    await shows(page.locator('[aria-live="polite"].hidden'), '1 batch is missing');
    missing.late();
    await eventually(async () => (await row('line-1').locator('.alert').count()) === 0, 'no GAP');
  });

  it('filters by kind and by words', async () => {
    await page.getByRole('button', { name: /^Devices/ }).click();
    await eventually(async () => (await row('').count()) === 1, 'only the device');
    await page.getByRole('button', { name: /^All/ }).click();
    await page.getByRole('searchbox').fill('26041');
    await eventually(async () => (await row('').count()) === 1, 'only the heat');
    await page.getByRole('searchbox').fill('nothing like it');
    await shows(page.locator('.empty'), 'No twin matches');
  });

  it('shows who is held, and why', async () => {
    world.held = [
      {
        device: 'did:key:zDnaeUnknownToEverybodyHere',
        gateway: 'zDnaeGatewayOfSomebody',
        count: 42,
        code: 'IN_NOT_ENROLLED',
        reason: 'no enrolment of this device is known',
        firstMs: systemClock.nowMs() - 60_000,
        lastMs: systemClock.nowMs(),
      },
    ];
    await shows(page.locator('table.held'), 'no enrolment of this device is known');
    await shows(page.locator('header'), 'Held devices 1');
  });

  it.each([420, 1280])('never is wider than a window of %d px', async (width) => {
    await page.setViewportSize({ width, height: 800 });
    const widthOf = () => page.evaluate(() => document.documentElement.scrollWidth);
    await world.batch(line, [], { keep: false });
    await tap(183_000);
    await shows(row('line-1'), '▲ GAP');
    expect(await widthOf()).toBe(width);
    await row('line-1').getByRole('link').click();
    await shows(page.getByRole('table', { name: 'Missing batches' }), 'sequence 2');
    expect(await widthOf()).toBe(width);
    await page.getByRole('link', { name: '← All twins' }).click();
    await row('Heat 26041').getByRole('link').click();
    await page.getByRole('link', { name: 'Show the proof of heatWeight' }).click();
    await page.locator('.here .verdict').waitFor();
    expect(await widthOf()).toBe(width);
  });

  it('says when the ingester is gone, and goes on by itself without a hole', async () => {
    const { port } = world.api;
    await world.stop();
    await shows(page.locator('[role="alert"]'), 'No connection to the ingester');
    await shows(page.locator('header'), 'disconnected');
    await tap(184_500);
    await world.start({ port, consoleDirectory });
    await shows(row('Heat 26041'), '184,500 kg');
    await shows(page.locator('header'), 'live');
    expect(await page.locator('[role="alert"]').count()).toBe(0);
  });
});
