/**
 * A site that cannot reach its ingester: an inspector carries what waits there in a file and the
 * receipts back; and the ingester's record, copied while it runs, is restored on another disk.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mustRun, RunningCommand, runCli } from '../support/commands.ts';
import { Site, siteOrganisation } from '../support/site.ts';

const directory = mkdtempSync(join(tmpdir(), 'bondline-carried-'));
let site: Site;
let meter: RunningCommand;

beforeAll(async () => {
  const args = ['--port', '0', '--attached', '--directory', directory];
  meter = new RunningCommand('sim', ['device', 'liquid-flow-computer', ...args]);
  const { port } = new URL(String((await meter.ready())['url']));
  const device = {
    ...{ name: 'fc-1', profile: 'liquid-flow-computer', driver: 'modbus' },
    connection: { host: '127.0.0.1', port: Number(port), unitId: 1, timeoutMs: 1000 },
    ...{ goods: `${siteOrganisation}/batch/`, everyMs: 100, flushMs: 200 },
    enrolment: 'enrolments/fc-1.jwt',
  };
  const devices = [JSON.stringify(device)];
  ({ site } = await Site.create({ directory, devices, goods: 'batch/' }));
}, 90_000);

afterAll(async () => {
  await site?.close();
  await meter?.kill();
  rmSync(directory, { recursive: true, force: true });
});

const gateway = (...args: string[]) => runCli('gateway', ['outbox', site.gatewayConfig, ...args]);
const ingest = (command: string, ...args: string[]) =>
  runCli('ingest', [command, site.ingestConfig, ...args]);
const inFile = (name: string) => join(directory, name);

it('carries evidence there and receipts back, beside a running gateway and without one', async () => {
  // The line is cut: a gateway that looks for its ingester where nobody is.
  const config = readFileSync(site.gatewayConfig, 'utf8');
  writeFileSync(site.gatewayConfig, config.replace(site.mqtt, 'mqtt://127.0.0.1:1'));
  const running = await site.startGateway('--drain', '0');
  await running.line((line) => Number(line['batches'] ?? 0) + Number(line['waiting'] ?? 0) > 3);

  const [evidence, receipts] = [inFile('site.evidence.json'), inFile('site.receipts.json')];
  expect(await gateway('export', '--out', evidence)).toMatchObject({ code: 0, err: '' });
  expect((await gateway('repair')).err).toContain('DB_IN_USE');
  const { credentials } = JSON.parse(readFileSync(evidence, 'utf8')) as { credentials: string[] };

  // Of a file's own enrolments nobody knows better than its bearer: they come from elsewhere.
  const known = inFile('known');
  for (const name of ['published', 'enrolments']) {
    cpSync(inFile(name), join(known, name), { recursive: true });
  }
  const judged = await runCli('ingest', ['verify', evidence, '--json', '--documents', known]);
  expect(JSON.parse(judged.out)).toMatchObject({ verdict: 'valid' });

  const first = await ingest('import', evidence, '--receipts', receipts, '--json');
  const { counts } = JSON.parse(first.out) as { counts: Record<string, number> };
  expect([first.code, counts['accepted']]).toEqual([0, credentials.length]);
  const again = await ingest('import', evidence, '--json');
  expect(JSON.parse(again.out)).toMatchObject({ counts: { known: credentials.length } });

  const settled = await gateway('settle', receipts, '--json');
  expect([settled.code, settled.err]).toEqual([0, '']);
  await running.stop();
  const left = inFile('left.json');
  await mustRun('gateway', ['outbox', site.gatewayConfig, 'export', '--out', left]);
  const waiting = (JSON.parse(readFileSync(left, 'utf8')) as { credentials: string[] }).credentials;
  const carried = new Set(credentials.slice(1));
  expect(waiting.filter((text) => carried.has(text))).toEqual([]);

  // The rest goes while no gateway runs; receipts by somebody else settle nothing.
  await ingest('import', left, '--receipts', receipts);
  const file = JSON.parse(readFileSync(receipts, 'utf8')) as { receipts: string[] };
  const forged = file.receipts.map((text) => `${text.slice(0, -8)}AAAAAAAA`);
  writeFileSync(inFile('forged.json'), JSON.stringify({ ...file, receipts: forged }));
  const refused = await gateway('settle', inFile('forged.json'));
  expect([refused.code, refused.err]).toEqual([1, expect.stringMatching(/^GW_RECEIPTS_REFUSED: /)]);
  const rest = JSON.parse((await gateway('settle', receipts, '--json')).out) as object;
  expect(rest).toEqual({ settled: waiting.length - 1, waiting: 0, refused: [] });
  expect(await gateway('repair', '--json')).toMatchObject({
    ...{ code: 0, out: expect.stringContaining('"damaged":0') },
  });
}, 90_000);

it('copies a running ingester, proves the copy, and restores it elsewhere', async () => {
  const copy = inFile('copy');
  const made = await ingest('backup', '--out', copy, '--with-keys');
  expect([made.code, made.err]).toEqual([0, '']);
  expect(await ingest('backup', '--verify', copy)).toMatchObject({ code: 0, err: '' });
  expect((await ingest('backup', '--out', copy)).err).toMatch(/^IN_BACKUP_OCCUPIED: /);
  expect((await ingest('restore', copy)).err).toMatch(/^(DB_IN_USE|IN_RESTORE_OCCUPIED): /);

  const other = inFile('other.yaml');
  const config = readFileSync(site.ingestConfig, 'utf8');
  const moved = config
    .replace('./ingest-data', './other-data')
    .replace('ingest-keys', 'other-keys');
  writeFileSync(other, moved);
  const restored = await runCli('ingest', ['restore', other, copy]);
  expect(restored.code).toBe(0);
  expect(restored.err).toMatch(/^ENTRIES AFTER .* ARE NOT HERE/);
  expect(existsSync(inFile('other-keys.json'))).toBe(true);
  expect(await mustRun('ingest', ['rebuild', other, '--check'])).toContain('equal the live ones');

  // A damaged copy is refused, and nothing of it stays.
  const journal = join(copy, 'journal.db');
  const bytes = readFileSync(journal);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(journal, bytes);
  writeFileSync(other, moved.replace('./other-data', './third-data'));
  const damaged = await runCli('ingest', ['restore', other, copy]);
  expect([damaged.code, damaged.err]).toEqual([1, expect.stringMatching(/^IN_BACKUP_DAMAGED: /)]);
  expect(existsSync(inFile('third-data/journal.db'))).toBe(false);
}, 90_000);
