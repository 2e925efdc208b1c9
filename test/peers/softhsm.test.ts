/** Keys in SoftHSM2, a PKCS#11 token in software; OpenSC's pkcs11-tool looks at it from outside. */
import { execFile, spawn } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEnrolRequest } from '../../devices/credential/enrol-request.ts';
import { openToken, verifyToken } from '../../devices/credential/jws.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { publicKeyOfDid } from '../../devices/identity/did-key.ts';
import { openKeyStore } from '../../devices/io/key-store-open.ts';
import { isSignedBy, testKeyStore } from '../contract/key-store.ts';
import { hasPeer } from '../support/peers.ts';
import { makeSoftHsm, type SoftHsm } from '../support/softhsm.ts';

const PROFILE = 'liquid-flow-computer';
const INGESTER = 'did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169';
const openFile = new URL('../../devices/io/key-store-open.ts', import.meta.url).href;

describe.skipIf(!hasPeer('softhsm'))('SoftHSM2', () => {
  let hsm: SoftHsm;
  let tokens = 0;
  let folder = '';
  beforeAll(() => {
    hsm = makeSoftHsm();
    folder = mkdtempSync(join(tmpdir(), 'softhsm-gateway-'));
  });
  afterAll(() => {
    hsm?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  function newToken(): string {
    tokens += 1;
    hsm.addToken(`token-${tokens}`);
    return `token-${tokens}`;
  }

  testKeyStore('pkcs11 of SoftHSM2', async () => {
    const { module } = hsm;
    const settings = { store: 'pkcs11', module, token: newToken(), secret: {} } as const;
    return {
      open: () => openKeyStore({ settings, secret: hsm.pin }),
      openWrongly: () => openKeyStore({ settings, secret: '1234' }),
      bytes: () => hsm.bytes(),
      algorithms: ['ES256', 'EdDSA'],
      close: async () => undefined,
    };
  });

  const settingsOf = (token: string) =>
    ({ store: 'pkcs11', module: hsm.module, token, secret: {} }) as const;

  it('makes keys that pkcs11-tool calls sensitive, never extractable, and made inside', async () => {
    const token = newToken();
    const store = await openKeyStore({ settings: settingsOf(token), secret: hsm.pin });
    await store.create('gateway', 'ES256');
    await store.close();
    const listed = hsm.tool(token, '--list-objects', '--type', 'privkey');
    expect(listed).toMatch(/Private Key Object; EC/);
    expect(listed).toMatch(/sensitive, always sensitive, never extractable, local/);
  });

  it('does not use a key that was brought in from outside', async () => {
    const token = newToken();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const file = join(folder, 'imported.der');
    writeFileSync(file, privateKey.export({ format: 'der', type: 'sec1' }));
    hsm.tool(token, '--write-object', file, '--type', 'privkey', '--label', 'alien', '--id', '01');
    const spki = join(folder, 'imported-public.der');
    const publicKey = createPublicKey(privateKey);
    writeFileSync(spki, publicKey.export({ format: 'der', type: 'spki' }));
    hsm.tool(token, '--write-object', spki, '--type', 'pubkey', '--label', 'alien', '--id', '01');
    const store = await openKeyStore({ settings: settingsOf(token), secret: hsm.pin });
    await expect(store.signer('alien')).rejects.toMatchObject({ code: 'KEY_UNFIT' });
    await store.close();
  });

  it('says which token is missing, and what cannot be loaded', async () => {
    const open = (change: object) =>
      openKeyStore({ settings: { ...settingsOf('nobody'), ...change }, secret: hsm.pin });
    await expect(open({})).rejects.toMatchObject({ code: 'KEY_TOKEN_MISSING' });
    const module = join(folder, 'no-such-library.so');
    await expect(open({ module })).rejects.toMatchObject({ code: 'KEY_MODULE_UNUSABLE' });
  });

  it('signs from two processes at once, and each finds what the other made', async () => {
    const token = newToken();
    const store = await openKeyStore({ settings: settingsOf(token), secret: hsm.pin });
    const made = await store.create('shared', 'ES256');
    const program = `
      const { openKeyStore } = await import(${JSON.stringify(openFile)});
      const settings = ${JSON.stringify(settingsOf(token))};
      const store = await openKeyStore({ settings, secret: ${JSON.stringify(hsm.pin)} });
      const signer = await store.signer('shared');
      const last = [];
      for (let i = 0; i < 50; i += 1) last.push(await signer.sign(Buffer.from('y' + i)));
      const other = await store.create('other', 'ES256');
      console.log(JSON.stringify({ did: other.did, last: Buffer.from(last[49]).toString('hex') }));
      await store.close();`;
    const child = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
    const signer = await store.signer('shared');
    for (let index = 0; index < 50; index += 1) {
      const data = Buffer.from(`x${index}`);
      expect(isSignedBy(made, data, await signer.sign(data))).toBe(true);
    }
    const told = JSON.parse((await child).stdout) as { did: string; last: string };
    expect(isSignedBy(made, Buffer.from('y49'), Buffer.from(told.last, 'hex'))).toBe(true);
    expect((await store.signer('other')).did).toBe(told.did);
    await store.close();
  });

  it('holds a gateway’s keys from keygen to the signed batch', async () => {
    const config = join(folder, 'gateway.yaml');
    writeFileSync(join(folder, 'pin'), `${hsm.pin}\n`, { mode: 0o600 });
    const keys = `{ store: pkcs11, module: ${hsm.module}, token: ${newToken()}, pin: { file: pin } }`;
    writeFileSync(config, gatewayYaml(keys));
    const cli = fileURLToPath(new URL('../../gateway/cli.ts', import.meta.url));
    const run = async (...args: string[]) =>
      (await promisify(execFile)(process.execPath, [cli, ...args])).stdout;
    const made = JSON.parse(await run('keygen', config, '--json')) as {
      keys: { label: string; did: string }[];
    };
    const did = made.keys.find(({ label }) => label === 'fc-1')?.did ?? '';
    await run('enrol-request', config, '--out', join(folder, 'requests'));
    const request = readFileSync(join(folder, 'requests', 'fc-1.jwt'));
    expect(openEnrolRequest(request)).toMatchObject({
      device: did,
      keyLocation: 'gateway-secure-element',
    });
    const gateway = spawn(process.execPath, [cli, 'run', config, '--json', '--drain', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = new Promise((resolve) => gateway.once('close', resolve));
    await new Promise<void>((resolve) => {
      createInterface({ input: gateway.stdout }).on('line', (line) => {
        if (Number((JSON.parse(line) as { batches?: number }).batches) > 0) resolve();
      });
    });
    gateway.kill('SIGTERM');
    expect(await exited).toBe(0);
    await run('outbox', config, 'export', '--out', join(folder, 'batches'));
    const tokens = readdirSync(join(folder, 'batches'));
    expect(tokens.length).toBeGreaterThan(0);
    for (const name of tokens) {
      const opened = openToken(readFileSync(join(folder, 'batches', name)), 65_536);
      const key = publicKeyOfDid(did);
      expect(!isRefusal(opened) && key && verifyToken(opened, key)).toBe(true);
    }
  }, 60_000);
});

/** A gateway whose one device is not there: what it signs are heartbeats that say so. */
function gatewayYaml(keys: string): string {
  const place = 'did:web:site.example';
  const device = `{ name: fc-1, profile: ${PROFILE}, driver: modbus, heartbeatMs: 1000`;
  return [
    `gateway: { name: site, organisation: "${place}", data: ./data }`,
    `keys: ${keys}`,
    `facility: ${place}/facility/one`,
    `uplink: { sink: mqtt, ingester: "${INGESTER}", connection: { url: "mqtt://127.0.0.1:9" } }`,
    'http: { serve: false }',
    'devices:',
    `  - ${device}, goods: "${place}/batch/", connection: { host: 127.0.0.1, port: 9 } }`,
    '',
  ].join('\n');
}
