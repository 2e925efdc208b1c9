/**
 * What an engineer reads about a field protocol is true: every driver has its page, every example
 * on it passes the check, and each known complaint about other gateways has a test that names it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drivers } from '../gateway/drivers/registry.ts';
import { readGatewayConfig } from '../gateway/gateway.ts';
import { projectRoot } from './support/commands.ts';

const HEADINGS = ['What it does', 'Minimal example', 'Full example', 'Every option', 'Limits'];

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bondline-driver-docs-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A configuration around the `devices:` list of an example. */
function configuration(devices: string): string {
  return `gateway: { name: docs, organisation: 'did:web:you.example', data: ./data }
keys: { store: file, path: keys.json, passphraseFile: passphrase }
facility: 'did:web:you.example/facility/one'
uplink:
  sink: mqtt
  ingester: 'did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169'
  connection: { url: 'mqtt://127.0.0.1:1883' }
${devices}`;
}

function pageOf(name: string): string {
  return readFileSync(join(projectRoot, 'docs', 'drivers', `${name}.md`), 'utf8');
}

describe.each(Object.keys(drivers))('the page of the driver %s', (name) => {
  it('has its parts in order', () => {
    const headings = [...pageOf(name).matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    expect(headings.filter((heading) => HEADINGS.includes(heading ?? ''))).toEqual(HEADINGS);
  });

  it('has examples that the check accepts', () => {
    const examples = [...pageOf(name).matchAll(/```yaml\n([\s\S]*?)```/g)]
      .map(([, text = '']) => text)
      .filter((text) => text.startsWith('devices:'));
    expect(examples.length).toBeGreaterThanOrEqual(2);
    for (const [index, example] of examples.entries()) {
      const file = join(folder, `${name}-${index}.yaml`);
      writeFileSync(file, configuration(example));
      const result = readGatewayConfig(file);
      expect(result.ok ? [] : result.mistakes, example).toEqual([]);
    }
  });
});

describe('the complaints about other gateways', () => {
  const titles = testFiles(join(projectRoot, 'test')).map((file) => readFileSync(file, 'utf8'));

  // 18 to 34 of the list that the field protocols are measured by.
  it.each(Array.from({ length: 17 }, (_, index) => 18 + index))('%d has a test', (number) => {
    const named = new RegExp(`['"\`]edge ${number}\\b[^'"\`]*\\(?`);
    expect(titles.some((text) => named.test(text))).toBe(true);
  });
});

function testFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => join(directory, file));
}
