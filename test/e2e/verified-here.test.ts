/** Verification in a real browser: genuine values, and what an ingester or a proxy might change. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Locator, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signToken } from '../../devices/credential/jws.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../devices/credential/status-list.ts';
import { systemClock } from '../../devices/runtime.ts';
import { verifyCommand } from '../../ingest/commands/verify.ts';
import { launchBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { memoryOrganisation, type Organisation } from '../support/identity.ts';
import { hasPeer } from '../support/peers.ts';
import { TwinWorld } from '../support/twin-world.ts';

const mill = 'did:web:lakehead-steel.example';
const heat = `${mill}/heat/26041`;
const listUrl = 'https://lakehead-steel.example/status/revocation';
const index = 4711;

const consoleSource = fileURLToPath(
  new URL('../../ingest/console/vite.config.ts', import.meta.url),
);

let consoleDirectory: string;
let browser: Browser;
let world: TwinWorld;
let organisation: Organisation;
let page: Page;
let asked: string[];
let complaints: string[];

/** Publishes the list, with these indexes revoked. */
async function publish(revoked: readonly number[]): Promise<void> {
  const payload = composeStatusList({
    id: listUrl,
    issuer: mill,
    purpose: 'revocation',
    encodedList: encodeStatusList(statusBits(revoked)),
    validFromMs: Math.round(systemClock.nowMs()) - 1_000,
  });
  world.put('status', await signToken({ payload, signer: organisation.signer, typ: 'vc+jwt' }));
}

const here = () => page.locator('.here');

async function shows(locator: Locator, text: string): Promise<void> {
  await eventually(
    async () => (await locator.count()) > 0 && (await locator.innerText()).includes(text),
    `the page to show ${text}`,
  );
}

async function openProof(): Promise<void> {
  await page.goto(world.api.address);
  await page.locator('table.twins tbody tr', { hasText: 'Heat 26041' }).getByRole('link').click();
  await page.getByRole('link', { name: 'Show the proof of heatWeight' }).click();
}

/** Changes what the ingester answers, on its way. */
async function tamper(path: string, change: (text: string) => string): Promise<void> {
  await page.route(path, async (route) => {
    const response = await route.fetch();
    const text = await response.text();
    const body = change(text);
    expect(body).not.toBe(text);
    await route.fulfill({ response, body });
  });
}

const EVIDENCE = '**/api/evidence/**';
const PROOF = '**/proof/heatWeight';

/** The evidence with another letter at a place of its first credential. */
const flipped = (at: (token: string) => number) => (text: string) => {
  const evidence = JSON.parse(text) as { credentials: string[] };
  const [token = ''] = evidence.credentials;
  const place = at(token);
  const letter = token[place] === 'A' ? 'B' : 'A';
  evidence.credentials[0] = `${token.slice(0, place)}${letter}${token.slice(place + 1)}`;
  return JSON.stringify(evidence);
};

/** Gives the page a file of the officer's own. */
async function bring(document: object): Promise<void> {
  const buffer = Buffer.from(JSON.stringify(document, null, 2));
  await here()
    .locator('input[type=file]')
    .setInputFiles({ name: 'did.json', mimeType: 'application/json', buffer });
}

describe.skipIf(!hasPeer('chromium'))('a proof verified in the browser', () => {
  beforeAll(async () => {
    consoleDirectory = mkdtempSync(join(tmpdir(), 'bondline-console-'));
    const outDir = consoleDirectory;
    const options = { outDir, emptyOutDir: true };
    await build({ configFile: consoleSource, logLevel: 'warn', build: options });
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(consoleDirectory, { recursive: true, force: true });
  });

  beforeEach(async () => {
    world = new TwinWorld();
    organisation = world.organisation(mill, 'Lakehead Steel');
    await publish([]);
    const facility = {
      id: `${mill}/facility/hamilton`,
      name: 'Hamilton works',
      unlocode: 'CAHAM',
      latitude: 43.2557,
      longitude: -79.8711,
      accuracyM: 400,
    };
    const line = await world.enrol({
      organisation,
      label: 'line-1',
      profile: 'steel-line',
      goods: [`${mill}/`],
      facility,
      status: [{ purpose: 'revocation', list: listUrl, index }],
    });
    const reading = {
      point: 'heatWeight',
      type: 'Dimensionless',
      unit: 'KGM',
      rawHex: '4064080000000000',
      quality: 'good',
      value: 182_400,
    } as const;
    const timeMs = Math.round(systemClock.nowMs()) - 5;
    await world.batch(line, [{ timeMs, about: heat, readings: [reading] }]);
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
  });

  afterEach(async () => {
    await page?.close();
    await world.end();
  });

  it('is valid when it is genuine, and loads its code with the first proof only', async () => {
    const first = await page.goto(world.api.address);
    await page.locator('table.twins').waitFor();
    expect(asked.filter((url) => url.includes('/verifier-'))).toEqual([]);
    await openProof();
    await shows(here(), 'Verified in this browser: valid');
    await shows(here(), 'status as of 20');
    await here().locator('summary').click();
    await shows(here(), 'Batch credential: valid (VC_VALID)');
    await shows(here(), 'Enrolment credential: valid (VC_VALID)');
    await shows(here(), `Status list ${listUrl}: valid (VC_VALID)`);
    await shows(here(), `DID document of ${mill}: valid (VC_VALID)`);
    await shows(here(), 'raw words are those that were signed');
    expect(await here().locator('.facts dd').count()).toBe(4);
    // The digest that the browser made is the one that the journal pinned.
    const pinned = await page.locator('.chain li', { hasText: 'Pinned document' }).innerText();
    const digest = await here().locator('.facts code').first().innerText();
    expect(pinned).toContain(digest);
    // Nothing is asked elsewhere, and the policy stands as it was and was not broken.
    expect(asked.filter((url) => !url.startsWith(world.api.address))).toEqual([]);
    expect(complaints).toEqual([]);
    expect(first?.headers()['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
        "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; " +
        "frame-ancestors 'none'",
    );
  });

  it.each([
    ['signature', (token: string) => token.length - 20],
    ['payload', (token: string) => token.indexOf('.') + 400],
  ])('is not valid when one letter of the %s is another', async (_, at) => {
    await tamper(EVIDENCE, flipped(at));
    await openProof();
    await shows(here(), 'Verified in this browser: not valid');
    expect(await here().innerText()).not.toContain('in this browser: valid');
  });

  it('is not valid when another value is shown than was signed', async () => {
    await tamper(PROOF, (text) => text.replaceAll('182400', '182500'));
    await openProof();
    await shows(here(), 'heatWeight on this page is not what was signed');
    await shows(here(), 'Verified in this browser: not valid');
  });

  it('is not valid when the enrolment was revoked since', async () => {
    await publish([index]);
    await openProof();
    await shows(here(), 'Verified in this browser: not valid');
    await shows(here(), `bit ${index} of ${listUrl} is set`);
  });

  it('relies on the document that the officer brings, and on no other', async () => {
    await openProof();
    await shows(here(), 'Verified in this browser: valid');
    await bring(memoryOrganisation(mill, 'Somebody else').document);
    await shows(here(), 'Verified in this browser: not valid');
    await shows(here(), 'Enrolment credential: the signature does not verify');
    await bring(organisation.document);
    await shows(here(), 'Verified in this browser: valid');
    await here().locator('summary').click();
    await shows(here(), 'your own file');
    // One of another organisation leaves it open: the ingester's copy must not fill the place.
    const stranger = memoryOrganisation('did:web:elsewhere.example', 'Elsewhere');
    await bring(stranger.document);
    await shows(here(), 'Verified in this browser: not proven');
    await bring({ no: 'document' });
    await shows(here(), 'Verified in this browser: not proven');
  });

  it('hands out the evidence, which the command judges alike', async () => {
    await openProof();
    const waiting = page.waitForEvent('download');
    await here().getByRole('link', { name: 'Download the evidence' }).click();
    const file = join(consoleDirectory, 'evidence.json');
    await (await waiting).saveAs(file);
    const { credentials } = JSON.parse(readFileSync(file, 'utf8')) as { credentials: string[] };
    const documents = mkdtempSync(join(tmpdir(), 'bondline-documents-'));
    writeFileSync(join(documents, 'did.json'), JSON.stringify(organisation.document));
    // What proves itself may come from the evidence; the document is the officer's own.
    for (const [place, token] of credentials.slice(1).entries()) {
      writeFileSync(join(documents, `${place}.jwt`), token);
    }
    const lines: string[] = [];
    const io = { out: (text: string) => lines.push(text), err: (text: string) => lines.push(text) };
    const exit = await verifyCommand([file, '--documents', documents], io);
    rmSync(documents, { recursive: true, force: true });
    expect(lines.join('')).toContain(': valid (VC_VALID)');
    expect(exit).toBe(0);
  });
});
