/** What parties signed, as an officer sees it in a real browser, and how wide its pages are. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import {
  type IngesterFolder,
  ingesterFolder,
  type RunningIngester,
  runIngest,
  startRunning,
} from '../support/ingester.ts';
import {
  foundLongAgo,
  type PaperFolder,
  paperFolder,
  walletHere,
} from '../support/paper-folder.ts';
import { hasPeer } from '../support/peers.ts';

const heat = 'did:web:mill.example/heat/26041';
const party = (name: string, called: string) =>
  `{ id: "did:web:${name}.example", name: ${called} }`;

let folder: IngesterFolder;
let papers: PaperFolder;
let running: RunningIngester;
let browser: Browser;
let page: Page;
let complaints: string[];
/** Where the step is that waits, and the correction. */
let pendingAt: number;
let correctionAt: number;

const ticket = (number: string, weight: string) => `number: "${number}"
goods: ${heat}
product: Steel heat
consignor: ${party('mill', 'Lakehead Steel')}
consignee: ${party('carrier', 'Northern Carriers')}
opened: 2026-11-21T10:00:00Z
closed: 2026-11-21T11:00:00Z
quantities: [{ name: netWeight, value: "${weight}", unit: TNE }]
`;

async function taken(file: string): Promise<number> {
  const { outcome, position, reason } = await papers.submit(file);
  expect(outcome, reason).toBe('accepted');
  return position ?? -1;
}

async function signAll(): Promise<void> {
  for (const [name, called] of [
    ['mill', 'Lakehead Steel'],
    ['carrier', 'Northern Carriers'],
    ['port', 'Port of Chicago'],
    ['customs', 'Customs of the port'],
  ] as const) {
    await papers.party(name, called);
  }
  await papers.trust('mill', 'carrier', 'port', 'customs');
  const first = `goods: ${heat}
to: ${party('carrier', 'Northern Carriers')}
quantity: { value: "182.4", unit: TNE }
seals: [{ number: NL-4711, source: CAR, type: BLT }]
`;
  const step = await papers.handOver('mill', 'carrier', first);
  await taken(step);
  const wrong = await papers.sign('carrier', 'ticket', ticket('991205182', '812.4'));
  await taken(wrong);
  const correction = `corrects: ${wrong}
goods: [${heat}]
happened: 2026-11-21T11:00:00Z
reason: incorrect_data
`;
  correctionAt = await taken(await papers.sign('carrier', 'correction', correction));
  await taken(await papers.sign('carrier', 'ticket', ticket('991205183', '182.4')));
  await papers.publish('carrier');
  await running.end('SIGTERM');
  foundLongAgo(folder, 'https://carrier.example/status/revocation.jwt');
  running = await startRunning(folder);
  const second = `goods: ${heat}\nto: ${party('port', 'Port of Chicago')}\nprevious: ${step}\n`;
  const waits = await papers.submit(await papers.handOver('carrier', 'port', second));
  expect(waits).toMatchObject({ outcome: 'accepted', standing: 'pending' });
  pendingAt = waits.position ?? -1;
  const hold = `act: hold
goods: [${heat}]
number: "257700052"
entryType: "62"
liable: ${party('carrier', 'Northern Carriers')}
`;
  await taken(await papers.sign('customs', 'movement', hold));
}

async function shows(locator: Locator, text: string | RegExp): Promise<void> {
  await eventually(
    async () => {
      const found = (await locator.count()) === 0 ? '' : await locator.first().innerText();
      const flat = found.replaceAll(/[\s\u00a0]+/g, ' ');
      return typeof text === 'string' ? flat.includes(text) : text.test(flat);
    },
    `the page to show ${String(text)}`,
  );
}

const row = (name: string, text: string) =>
  page.getByRole('table', { name }).getByRole('row').filter({ hasText: text });

/** Opens a page of the heat by its address, as an officer does who was sent it. */
async function open(attribute = ''): Promise<void> {
  const { twins } = (await (await fetch(`${running.http}/api/twins`)).json()) as {
    twins: { id: string; uri: string }[];
  };
  const id = twins.find(({ uri }) => uri === heat)?.id ?? '';
  await page.goto(`${running.http}/#/twin/${id}${attribute}`);
  await page.getByRole('heading', { name: 'Heat 26041' }).waitFor();
}

describe.skipIf(!hasPeer('chromium'))('the console on what parties signed', () => {
  beforeAll(async () => {
    folder = ingesterFolder();
    const config = readFileSync(folder.config, 'utf8');
    const authorities = 'authorities: { customs: ["did:web:customs.example"] }\n';
    writeFileSync(folder.config, `${config}${authorities}`);
    papers = paperFolder(folder, walletHere);
    running = await startRunning(folder);
    await signAll();
    browser = await launchBrowser();
    complaints = [];
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
  }, 240_000);

  afterAll(async () => {
    await browser?.close();
    await running?.end('SIGKILL');
    folder.remove();
  });

  it('lists who holds goods, who is to, and that customs holds them', async () => {
    await page.goto(running.http);
    const listed = page.locator('table.twins tbody tr', { hasText: 'Heat 26041' });
    await shows(listed, 'Northern Carriers ▲ held by Customs of the port');
    await shows(listed, '▲ pending: to Port of Chicago');
    await shows(listed, 'signed papers');
  });

  it('shows each step with its seals, and what waits', async () => {
    await open();
    await shows(row('Steps of custody', 'Lakehead Steel'), /182\.4 t seals NL-4711 ✓ counts/);
    await shows(row('Steps of custody', 'Port of Chicago'), '▲ pending');
    await shows(row('Steps of custody', 'Port of Chicago'), `log ${pendingAt}`);
  });

  it('shows a corrected ticket as such, beside the one that stands', async () => {
    await open();
    await shows(row('Papers', '991205182'), `its data were wrong, log ${correctionAt}`);
    await shows(row('Papers', '991205183'), '✓ stands');
    await shows(page.locator('table.attributes'), 'Ticket 991205183, netWeight 182.4 TNE');
  });

  it('proves custody down to both signatures, and this browser finds the same', async () => {
    await open('/%40possessor');
    const proof = page.locator('.proof');
    await shows(proof, 'Every link was checked again just now');
    await shows(proof, 'Verified in this browser: valid (signatures of all 2 parties');
    await shows(proof, 'did:web:mill.example#key-1, then did:web:carrier.example#key-1');
    expect(await proof.locator('.check-failed').count()).toBe(0);
    // Whoever relies on one document of his own cannot prove what two signed.
    const files = ['mill', 'carrier'].map((name) => papers.at(name, 'wallet', 'did.json'));
    await proof.locator('input[type="file"]').setInputFiles(files.slice(0, 1));
    await shows(proof, 'Verified in this browser: not proven');
    await proof.locator('input[type="file"]').setInputFiles(files);
    await shows(proof, 'Verified in this browser: valid');
  });

  it('proves a ticket, and the hold of customs', async () => {
    await open('/deliveryTicket');
    await shows(page.locator('.proof'), 'valid (signature of its issuer');
    await shows(page.locator('.proof'), 'netWeight 182.4 TNE');
    await open('/%40hold');
    await shows(page.locator('.proof'), 'valid (signature of its issuer');
    await shows(page.locator('.proof'), 'Organisation Customs of the port');
  });

  it.each([420, 1280])('never is wider than a window of %d px', async (width) => {
    await page.setViewportSize({ width, height: 800 });
    const widthOf = () => page.evaluate(() => document.documentElement.scrollWidth);
    await page.goto(running.http);
    await page.locator('table.twins').waitFor();
    expect(await widthOf()).toBe(width);
    for (const attribute of ['', '/deliveryTicket', '/%40possessor']) {
      await open(attribute);
      await page.getByRole('table', { name: 'Papers' }).waitFor();
      if (attribute !== '') await page.locator('.here .verdict').waitFor();
      expect(await widthOf(), attribute).toBe(width);
    }
  });

  it('shows who let a pending step count', async () => {
    await open();
    const decision = ['--officer', 'officer 4711', '--reason', 'the port was called'];
    const { code, err } = await runIngest(
      ...['custody', folder.config, 'take', String(pendingAt), ...decision],
    );
    expect(code, err).toBe(0);
    const moved = row('Steps of custody', 'Port of Chicago');
    await shows(moved, 'counts was pending; officer 4711: the port was called');
    await shows(page.locator('.cards'), 'Port of Chicago');
    // In all of this the page broke no rule of its own policy.
    expect(complaints).toEqual([]);
  });
});
