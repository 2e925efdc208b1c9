import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatMistake } from '../../../devices/io/config-file.ts';
import { gatewayConfigSchema } from '../../../gateway/config.ts';
import { readGatewayConfig } from '../../../gateway/gateway.ts';

const examples = fileURLToPath(new URL('../../../examples', import.meta.url));
const good = readFileSync(join(examples, 'border/neche/gateway.yaml'), 'utf8');

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'config-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** The mistakes of a configuration, each with its place and without the file's name. */
function mistakesOf(text: string): string[] {
  const file = join(directory, 'gateway.yaml');
  writeFileSync(file, text);
  const result = readGatewayConfig(file);
  if (result.ok) return [];
  return result.mistakes.map((mistake) => formatMistake(mistake).replace(`${file}:`, ''));
}

/** Line of the first line that contains `text`, counted from 1. */
const lineOf = (all: string, text: string) =>
  all.split('\n').findIndex((line) => line.includes(text)) + 1;

describe('a configuration', () => {
  it('as the examples have it has no mistakes, and its defaults are filled in', () => {
    for (const name of ['border/neche', 'border/hamilton', 'border/nogales', 'own-meter']) {
      const result = readGatewayConfig(join(examples, name, 'gateway.yaml'));
      expect(result.ok ? [] : result.mistakes, name).toEqual([]);
    }
    const bare = good.replace(/^ {4}(everyMs|flushMs|heartbeatMs).*\n/gm, '');
    writeFileSync(join(directory, 'gateway.yaml'), bare);
    const result = readGatewayConfig(join(directory, 'gateway.yaml'));
    expect(result.ok && result.value.devices[0]).toMatchObject({
      everyMs: 1_000,
      flushMs: 1_000,
      heartbeatMs: 60_000,
    });
  });

  it('names every mistake at once, each with its line and what to write', () => {
    const text = good
      .replace('everyMs: 500', 'everyms: 500')
      .replace('  data: ./data', '  data: 7')
      .replace('heartbeatMs: 10000', 'heartbeatMs: 10');
    const mistakes = mistakesOf(text);
    expect(mistakes).toHaveLength(3);
    expect(mistakes[0]).toMatch(
      new RegExp(`^${lineOf(text, 'data: 7')}:3: gateway.data: 7 must be`),
    );
    expect(mistakes[1]).toMatch(
      new RegExp(`^${lineOf(text, 'everyms')}:5: .*did you mean "everyMs"`),
    );
    expect(mistakes[2]).toMatch(new RegExp(`^${lineOf(text, 'heartbeatMs')}:5: .*>= 1000`));
  });

  it.each([
    ['profile: liquid-flow-computer', 'profile: liquid-flow', /known are: .*liquid-flow-computer/],
    [
      'driver: modbus',
      'driver: profinet',
      /"profinet" is not known; known are: modbus, mqtt, opcua/,
    ],
    ['driver: modbus', 'driver: mqtt', /write driver: modbus/],
    ['sink: mqtt', 'sink: pigeon', /"pigeon" is not known; known are: https, mqtt/],
    ['name: fc-1', 'name: gateway', /label of the gateway/],
    ['name: fc-1', 'name: FC 1', /must look like "fc-1"/],
    ['ingester: did:key:z', 'ingester: did:web:z', /must look like "did:key:/],
    ['url: mqtt://127.0.0.1:1883', 'url: mqtt://10.0.0.1:1883', /write mqtts/],
    ['      port: 5020', '      port: 99999', /port.* <= 65535/],
    ['      unitId: 1', '      unit: 1', /did you mean "unitId"/],
    ['    goods: did:web:northline.example/batch/', '    # none', /"goods" is required here/],
    ['store: file', 'store: memory', /"memory" is not one of: file/],
    ['  passphraseFile: passphrase', '  passphrase: secret', /passphrase/],
    [
      '  passphraseFile: passphrase',
      '  passphraseFile: passphrase\n  countBatches: true',
      /keys\.countBatches: .*needs a token that counts: store pkcs11; this one is file/,
    ],
  ])('with %s as %s says so at its place', (from, to, message) => {
    expect(good).toContain(from);
    const mistakes = mistakesOf(good.replace(from, to));
    expect(mistakes.length).toBeGreaterThan(0);
    expect(mistakes.join('\n')).toMatch(message);
    for (const mistake of mistakes) expect(mistake).toMatch(/^\d+:\d+: /);
  });

  it('with two devices of one name says so at the second', () => {
    const [, device = ''] = good.split('devices:\n');
    const text = `${good}${device}`;
    const [mistake] = mistakesOf(text);
    const second = text.split('\n').findLastIndex((line) => line.includes('name: fc-1')) + 1;
    expect(mistake).toMatch(new RegExp(`^${second}:5: .*two devices are called "fc-1"`));
  });

  it('with a profile of its own is checked point by point', () => {
    const own = readFileSync(join(examples, 'own-meter/gateway.yaml'), 'utf8');
    expect(mistakesOf(own)).toEqual([]);
    const text = own
      .replace('range: [0, 2000]', 'range: [2000, 0]')
      .replace(
        'modbus: { table: holding, address: 2,',
        'opcua: { path: a }\n          x: { address: 2,',
      );
    expect(mistakesOf(text).join('\n')).toMatch(/"x" is not known here/);
    const empty = mistakesOf(own.replace('range: [0, 2000]', 'range: [2000, 0]'));
    expect(empty).toHaveLength(1);
    expect(empty[0]).toMatch(/write the lower bound first/);
    const nowhere = own.replace(/modbus: \{ table: holding, address: 2,.*\}/, 'scale: 1');
    expect(mistakesOf(nowhere).join('\n')).toMatch(/temperature.*"modbus" is required here/);
  });

  it('names what contradicts itself in a point at its own line, and what the device cannot read', () => {
    const own = readFileSync(join(examples, 'own-meter/gateway.yaml'), 'utf8');
    const line = (text: string) => own.slice(0, own.indexOf(text)).split('\n').length;
    const from = 'modbus: { table: holding, address: 2, encoding: { type: float32, order: ABCD } }';
    expect(own).toContain(from);
    const bit = own.replace(from, from.replace('order: ABCD', 'order: ABCD, bit: 3'));
    expect(mistakesOf(bit)).toEqual([
      expect.stringMatching(new RegExp(`^${line(from)}:\\d+: .*only a bool is one bit`)),
    ]);
    const both = own.replace(
      from,
      `scale: 2\n          table: [[0, 0], [0, 1]]\n          ${from}`,
    );
    expect(mistakesOf(both)).toEqual([
      expect.stringMatching(/beside "scale"/),
      expect.stringMatching(/must rise/),
    ]);
    // What depends on the device's settings is told at the settings.
    const port = '      port: 502\n';
    expect(own).toContain(port);
    const barred = own.replace(
      port,
      `${port}      requests: { forbidden: [{ table: holding, from: 3, to: 3 }] }\n`,
    );
    expect(mistakesOf(barred).join()).toMatch(/point temperature needs holding 3 to 3, which/);
    const torn = own.replace(port, `${port}      enron: [[5999, 5001]]\n`);
    expect(mistakesOf(torn).join()).toMatch(/write the first address first/);
    const sound = own.replace(port, `${port}      order: GHEFCDAB\n      enron: [[5001, 5999]]\n`);
    expect(mistakesOf(sound.replace(', order: ABCD', ''))).toEqual([]);
  });

  it('that is not YAML says where', () => {
    expect(mistakesOf('gateway: [')[0]).toMatch(/^\d+:\d+: /);
    expect(mistakesOf('')[0]).toMatch(/^1:1: /);
  });
});

describe('the schema', () => {
  interface Node {
    readonly description?: string;
    readonly properties?: Readonly<Record<string, Node>>;
    readonly items?: Node;
  }
  it('describes every field down to the devices’ own', () => {
    const undescribed: string[] = [];
    const visit = (node: Node, path: string) => {
      for (const [name, child] of Object.entries(node.properties ?? {})) {
        const at = `${path}.${name}`;
        if (!child.description) undescribed.push(at);
        visit(child, at);
        if (child.items) visit(child.items, at);
      }
    };
    visit(gatewayConfigSchema as Node, '');
    expect(undescribed).toEqual([]);
  });
});
