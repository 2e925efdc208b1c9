/**
 * Files that people write or bring: configurations, register maps, invitations, requests, routes.
 */

import { createPublicKey, generateKeyPairSync, sign as signDer } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  composeEnrolRequest,
  openEnrolRequest,
} from '../../../devices/credential/enrol-request.ts';
import { formatInvitation, readInvitation } from '../../../devices/io/uplink/invitation.ts';
import { makeAuthorityCertificate } from '../../../devices/io/uplink/x509.ts';
import { digestMultibase } from '../../../devices/profile.ts';
import { readGatewayConfig } from '../../../gateway/gateway.ts';
import { loadIngestConfig } from '../../../ingest/config.ts';
import { readRoutes } from '../../../ingest/fold-routes.ts';
import { sources } from '../../../ingest/sources/registry.ts';
import {
  attempt,
  type Outcome,
  outcomeOf,
  type Parser,
  type Prepared,
  type Seed,
} from '../parser.ts';
import { signing, steadyMs } from '../steady.ts';
import { device, gateway } from './papers.ts';

/** A parser of files: each input is written, and read by its path. */
function fromFile(name: string, seeds: readonly Seed[], read: (file: string) => unknown): Prepared {
  const folder = mkdtempSync(join(tmpdir(), `bondline-fuzz-`));
  const file = join(folder, name);
  return {
    seeds,
    parse: (bytes) => {
      writeFileSync(file, bytes);
      return attempt(() => read(file));
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const profile = {
  name: 'my-meter',
  summary: 'Turbine meter',
  source: 'Manual',
  protocol: 'modbus',
  reportsOn: 'pipeline-batch',
  points: {
    flow: {
      summary: 'Volume flow',
      type: 'VolumeFlowRate',
      unit: 'MQH',
      range: [0, 2000],
      modbus: { table: 'holding', address: 0, encoding: { type: 'float32', order: 'ABCD' } },
    },
    volume: {
      summary: 'Volume',
      type: 'Volume',
      unit: 'MTQ',
      scale: 0.1,
      modbus: { table: 'input', address: 4, encoding: { type: 'uint32', order: 'CDAB' } },
    },
  },
};

const gatewayConfig = {
  gateway: { name: 'station', organisation: 'did:web:you.example', data: './data' },
  keys: { store: 'file', path: 'keys.json', passphraseFile: 'passphrase' },
  facility: 'did:web:you.example/facility/one',
  uplink: {
    sink: 'mqtt',
    ingester: 'did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169',
    connection: { url: 'mqtt://127.0.0.1:1883' },
  },
  devices: [
    {
      name: 'meter-1',
      driver: 'modbus',
      connection: { host: '127.0.0.1', port: 502, unitId: 1, timeoutMs: 1000 },
      goods: 'did:web:you.example/batch/',
      everyMs: 1000,
      profile: 'liquid-flow-computer',
    },
  ],
};

const ingestConfig = {
  ingester: { name: 'border', tenant: 'cbp', data: './data' },
  http: { port: 0 },
  sources: [{ source: 'embedded', connection: { port: 0 } }],
  workers: 1,
};

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

/** As people write it, without quotes. */
function yaml(value: unknown, indent = ''): string {
  if (Array.isArray(value)) {
    return value.map((one) => `\n${indent}- ${yaml(one, `${indent}  `).trimStart()}`).join('');
  }
  if (typeof value !== 'object' || value === null) return ` ${String(value)}`;
  const members = Object.entries(value).map(
    ([name, one]) => `${indent}${name}:${yaml(one, `${indent}  `)}`,
  );
  return `\n${members.join('\n')}`;
}

function outcomeOfConfig(result: { readonly ok: boolean }): unknown {
  return result.ok ? result : { code: 'CFG_INVALID', reason: 'mistakes' };
}

export const gatewayYaml: Parser = {
  name: 'gateway-yaml',
  prepare: () =>
    fromFile(
      'gateway.yaml',
      [{ bytes: json(gatewayConfig) }, { bytes: Buffer.from(yaml(gatewayConfig)) }],
      (file) => outcomeOfConfig(readGatewayConfig(file)),
    ),
};

/** A profile of one's own, with its register map, in a configuration that is right. */
export const profileYaml: Parser = {
  name: 'profile-yaml',
  prepare: () => {
    const whole = JSON.stringify(gatewayConfig);
    const wrap = (inner: Uint8Array) =>
      Buffer.from(whole.replace('"liquid-flow-computer"', () => Buffer.from(inner).toString()));
    return fromFile('gateway.yaml', [{ bytes: json(profile), wrap }], (file) =>
      outcomeOfConfig(readGatewayConfig(file)),
    );
  },
};

export const ingestYaml: Parser = {
  name: 'ingest-yaml',
  prepare: () =>
    fromFile(
      'ingest.yaml',
      [{ bytes: json(ingestConfig) }, { bytes: Buffer.from(yaml(ingestConfig)) }],
      (file) => outcomeOfConfig(loadIngestConfig(file, sources)),
    ),
};

export const invitation: Parser = {
  name: 'invitation',
  prepare: async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const authority = await makeAuthorityCertificate({
      signer: {
        did: '',
        keyId: '',
        algorithm: 'ES256',
        sign: (data) =>
          signDer('sha256', data, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' }),
      },
      publicKey: createPublicKey(pair.privateKey),
      commonName: 'authority',
      serial: Buffer.alloc(16, 1),
      fromMs: steadyMs,
      untilMs: steadyMs + 1_000_000_000,
    });
    const text = formatInvitation({
      bondlineInvitation: 1,
      name: 'border',
      ingester: gateway.did,
      certificates: 'https://127.0.0.1:8443',
      uplinks: ['https://127.0.0.1:8443'],
      authority,
    });
    return fromFile('invitation.json', [{ bytes: Buffer.from(text) }], readInvitation);
  },
};

export const enrolRequest: Parser = {
  name: 'enrol-request',
  prepare: async () => {
    const asked = {
      label: 'fc-1',
      profile: { name: 'test-meter', digest: digestMultibase(Buffer.from('some')) },
      cadenceMs: 1_000,
      heartbeatMs: 60_000,
      keyLocation: 'gateway-file',
      requestedMs: steadyMs,
    } as const;
    const token = await composeEnrolRequest(asked, { device, gateway });
    const typ = 'bondline-enrol-request+jwt';
    const wrap = (inner: Uint8Array) => {
      const request = Buffer.from(signing(gateway, typ)(inner)).toString('latin1');
      return signing(device, typ)(json({ device: device.did, request }));
    };
    const request = { device: device.did, gateway: gateway.did, ...asked };
    return {
      seeds: [{ bytes: token }, { bytes: json(request), wrap }],
      parse: (bytes): Outcome => attempt(() => openEnrolRequest(bytes)),
    };
  },
};

const routes = {
  type: 'FeatureCollection',
  features: [
    {
      type: 'Feature',
      properties: { name: 'main' },
      geometry: {
        type: 'LineString',
        coordinates: [
          [-97.5, 49],
          [-96, 48],
          [-95, 47.5],
        ],
      },
    },
    {
      type: 'Feature',
      properties: { Pipename: 'branch' },
      geometry: {
        type: 'MultiLineString',
        coordinates: [
          [
            [0, 0],
            [1, 1],
          ],
          [
            [1, 1],
            [2, 1],
          ],
        ],
      },
    },
  ],
};

export const geoJson: Parser = {
  name: 'routes',
  prepare: () => ({
    seeds: [{ bytes: json(routes) }, { bytes: json({ routes: [routes, routes] }) }],
    parse: (bytes) => {
      const table = readRoutes(Buffer.from(bytes).toString());
      return table.size === 0 ? outcomeOf(undefined) : outcomeOf(table);
    },
    doubt: (_, outcome) => {
      const lengths = outcome.taken
        ? [...(outcome.value as ReturnType<typeof readRoutes>).values()]
        : [];
      const isWrong = lengths.some(({ lengthM }) => !Number.isFinite(lengthM));
      return isWrong ? 'a route has no length' : undefined;
    },
  }),
};
