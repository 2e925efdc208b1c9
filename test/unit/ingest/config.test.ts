import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatMistakes, type LoadedConfig, loadIngestConfig } from '../../../ingest/config.ts';
import { readRoutes } from '../../../ingest/fold-routes.ts';
import { sources } from '../../../ingest/sources/registry.ts';
import { rulesInForce } from '../../../ingest/startup.ts';
import { hasShared, sharedPath } from '../../support/shared.ts';

let directory: string;

function load(text: string): LoadedConfig {
  const file = join(directory, 'ingest.yaml');
  writeFileSync(file, text);
  return loadIngestConfig(file, sources);
}

const mistakesOf = (loaded: LoadedConfig) =>
  loaded.ok ? [] : loaded.mistakes.map(({ line, column, message }) => [line, column, message]);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'bondline-config-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('loadIngestConfig', () => {
  it('fills in defaults, those of sources too, and makes paths absolute', () => {
    const loaded = load('ingester: { name: border, tenant: cbp }\n');
    expect(loaded).toEqual({
      ok: true,
      config: {
        ingester: { name: 'border', tenant: 'cbp', data: join(directory, 'data') },
        keys: {
          store: 'file',
          path: join(directory, 'keys.json'),
          secret: { file: join(directory, 'passphrase') },
        },
        http: { host: '127.0.0.1', port: 8080 },
        uplink: {
          names: ['localhost', '127.0.0.1', '::1'],
          clientHours: 24,
          serverHours: 168,
        },
        sources: [
          { source: 'embedded', connection: { host: '127.0.0.1', port: 1883, tls: false } },
        ],
        resolve: { allowPrivate: [] },
        routes: [],
        rates: {
          gateway: { messagesPerSecond: 10_000, bytesPerSecond: 268_435_456 },
          papersPerSecond: 250,
          stranger: { messagesPerSecond: 50, bytesPerSecond: 2_097_152 },
          strangers: { messagesPerSecond: 500, bytesPerSecond: 16_777_216 },
        },
        refusals: { gatewayDayBytes: 67_108_864, totalBytes: 1_073_741_824 },
        checkpoints: { everySeconds: 10 },
        authorities: { customs: [], sureties: [], laboratories: [] },
        require: { bondLiable: [], possessor: [] },
        statusRefresh: { enabled: true },
        workers: 0,
      },
    });
  });

  it('names all mistakes at once', () => {
    const loaded = load(
      ['ingester: { name: border }', 'http: { port: 70000 }', 'surces: []', 'workers: -1', ''].join(
        '\n',
      ),
    );
    expect(mistakesOf(loaded)).toEqual([
      [1, 1, 'ingester: "tenant" is required here'],
      [2, 9, 'http.port: 70000 must be <= 65535'],
      [3, 1, '"surces" is not known here; did you mean "sources"?'],
      [4, 1, 'workers: -1 must be >= 0'],
    ]);
  });

  it('names those of sources and routes with those of the rest', () => {
    const lines = [
      'ingester: { name: border }',
      'sources:',
      '  - source: nats',
      '  - source: mqtt',
    ];
    lines.push('    connection: { adress: x }', '  - 7', 'routes: [ none.geojson, 7 ]', '');
    expect(mistakesOf(load(lines.join('\n')))).toEqual([
      [1, 1, 'ingester: "tenant" is required here'],
      [3, 5, 'sources[0].source: "nats" is not a source; known are: embedded, https, mqtt'],
      [5, 5, 'sources[1].connection: "url" is required here'],
      [5, 19, expect.stringContaining('sources[1].connection: "adress" is not known here')],
      [6, 5, 'sources[2]: 7 must be object'],
      [7, 11, expect.stringContaining('routes[0]: ')],
      [7, 25, 'routes[1]: 7 must be string'],
    ]);
  });

  it.skipIf(!hasShared)('takes the lines of real pipelines as routes', () => {
    const file = sharedPath('data', 'pipelines', 'eia-crude-pipelines-us-201606.geojson');
    const loaded = load(`ingester: { name: border, tenant: cbp }\nroutes: [ '${file}' ]\n`);
    if (!loaded.ok) throw new Error(formatMistakes(loaded.mistakes));
    const entry = Buffer.from(rulesInForce(loaded.config.routes, [])).toString();
    expect(readRoutes(entry).get('LSr Project')?.lengthM).toBeGreaterThan(400_000);
  });

  it('looks into routes without taking them for granted', () => {
    writeFileSync(join(directory, 'good.geojson'), '{"type":"FeatureCollection","features":[]}');
    writeFileSync(join(directory, 'bad.geojson'), '{"type":"Point"}');
    const start = 'ingester: { name: border, tenant: cbp }\nroutes:\n';
    expect(load(`${start}  - good.geojson\n`)).toMatchObject({ ok: true });
    const mistakes = mistakesOf(load(`${start}  - bad.geojson\n  - none.geojson\n`));
    expect(mistakes).toMatchObject([
      [3, 5, expect.stringContaining('is not a GeoJSON FeatureCollection')],
      [4, 5, expect.stringContaining('cannot be read as GeoJSON')],
    ]);
  });

  it('checks the address of a broker elsewhere', () => {
    const start = 'ingester: { name: border, tenant: cbp }\nsources:\n  - source: mqtt\n';
    expect(load(`${start}    connection: { url: 'mqtt://127.0.0.1:1883' }\n`)).toMatchObject({
      ok: true,
    });
    expect(mistakesOf(load(`${start}    connection: { url: 'http://broker' }\n`))).toMatchObject([
      [4, 19, expect.stringContaining('must look like "mqtts://broker.example:8883"')],
    ]);
  });

  it('lets nothing beyond loopback go in plain text, and names all of it at once', () => {
    const sources = [
      'ingester: { name: border, tenant: cbp }',
      'sources:',
      '  - source: embedded',
      '    connection: { host: 0.0.0.0 }',
      '  - source: mqtt',
      "    connection: { url: 'mqtt://broker:1883' }",
      '  - source: embedded',
      '    connection: { host: 0.0.0.0, tls: true }',
      '',
    ].join('\n');
    expect(mistakesOf(load(sources))).toMatchObject([
      [4, 19, expect.stringContaining('0.0.0.0 is not loopback, and this would be plain text')],
      [6, 19, expect.stringContaining('write mqtts://')],
      [7, 5, expect.stringContaining('gateways get the certificates for this at the https source')],
    ]);
    const well = "  - source: https\n    connection: { host: '::', port: 8443 }\n";
    const tls = '  - source: embedded\n    connection: { host: 0.0.0.0, tls: true }\n';
    const start = 'ingester: { name: border, tenant: cbp }\nsources:\n';
    expect(load(`${start}${well}${tls}`)).toMatchObject({ ok: true });
  });
});
