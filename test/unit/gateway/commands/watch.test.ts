import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../../devices/runtime.ts';
import type { CommandContext } from '../../../../gateway/commands/command.ts';
import { runRead } from '../../../../gateway/commands/read.ts';
import { eventually } from '../../../support/eventually.ts';

const directory = mkdtempSync(join(tmpdir(), 'bondline-watch-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Nobody answers there, which is something to see too. No key is needed to see it. */
const config = join(directory, 'gateway.yaml');
writeFileSync(
  config,
  `gateway: { name: site, organisation: "did:web:site.example", data: ./data }
keys: { store: file, path: none.json, passphraseFile: none }
facility: did:web:site.example/facility/one
uplink:
  sink: mqtt
  ingester: did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169
  connection: { url: "mqtt://127.0.0.1:1" }
devices:
  - name: fc-1
    profile: liquid-flow-computer
    driver: modbus
    connection: { host: 127.0.0.1, port: 1, timeoutMs: 200 }
    goods: did:web:site.example/batch/
    everyMs: 100
`,
);

async function watch(args: readonly string[], more: Partial<CommandContext>, until: string) {
  const stop = new AbortController();
  let text = '';
  const context: CommandContext = {
    clock: systemClock,
    random: systemRandom,
    out: (said) => {
      text += said;
    },
    err: () => undefined,
    terminal: false,
    stop: stop.signal,
    onInputEnd: () => undefined,
    ...more,
  };
  const ended = runRead([config, '--watch', ...args], context);
  await eventually(() => text.includes(until), until);
  stop.abort();
  expect(await ended).toBe(0);
  return text;
}

it('prints a line for each change where nobody looks at a screen, and no second one', async () => {
  const lines = (await watch([], {}, 'apiGravity')).trim().split('\n');
  const temperature = lines.filter((line) => line.includes('  temperature  '));
  expect(temperature).toHaveLength(1);
  expect(temperature[0]).toMatch(/^\d{4}-.*Z {2}fc-1 {2}temperature {2}missing \(/);
});

it('prints an object for each change with --json', async () => {
  const [first = ''] = (await watch(['--json'], {}, 'apiGravity')).split('\n');
  expect(JSON.parse(first)).toMatchObject({ device: 'fc-1', missing: expect.any(String) });
});

it('draws in place on a screen, within its size', async () => {
  const screen = () => ({ columns: 60, rows: 12 });
  const text = await watch([], { screen }, 'more lines');
  const frames = text.split('\x1b[J').slice(1);
  expect(frames.length).toBeGreaterThan(0);
  for (const frame of frames) {
    // What follows the last line goes back to the first.
    const rows = frame.split('\n').slice(0, -1);
    expect(rows.length).toBeLessThanOrEqual(10);
    expect(Math.max(...rows.map((row) => row.length))).toBeLessThan(60);
  }
});
