/** Keys in SoftHSM2, a PKCS#11 token in software; OpenSC's pkcs11-tool looks at it from outside. */
import { execFile, spawn } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBatch } from '../../devices/credential/batch-wire.ts';
import { openEnrolRequest } from '../../devices/credential/enrol-request.ts';
import { openToken, verifyToken } from '../../devices/credential/jws.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { publicKeyOfDid } from '../../devices/identity/did-key.ts';
import { openKeyStore } from '../../devices/io/key-store-open.ts';
import { openTokenSession } from '../../devices/io/pkcs11-session.ts';
import { systemClock } from '../../devices/runtime.ts';
import { isSignedBy, testKeyStore } from '../contract/key-store.ts';
import { dataFrame, registers, startSlave } from '../support/modbus-slave.ts';
import { hasPeer } from '../support/peers.ts';
import { makeSoftHsm, type SoftHsm } from '../support/softhsm.ts';

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

  it('keeps numbers that only who has the PIN can see, from one process to the next', async () => {
    const token = newToken();
    const open = () => openKeyStore({ settings: settingsOf(token), secret: hsm.pin });
    const first = await open();
    expect(await first.counters?.read('epoch fc-1')).toEqual({ epoch: 0, sequence: 0 });
    await first.counters?.raise('epoch fc-1', 7);
    await first.counters?.raise('epoch fc-1', 8);
    await first.counters?.raise('epoch fc-2', 3);
    await first.close();
    const second = await open();
    expect(await second.counters?.read('epoch fc-1')).toEqual({ epoch: 8, sequence: 0 });
    expect(await second.counters?.read('epoch fc-2')).toEqual({ epoch: 3, sequence: 0 });
    expect(await second.counters?.read('epoch fc-3')).toEqual({ epoch: 0, sequence: 0 });
    await second.close();
    const listed = hsm.tool(token, '--list-objects', '--type', 'data');
    expect(listed.split("label:          'epoch fc-1'")).toHaveLength(2);
    expect(listed).toMatch(/modifiable private/);
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

  it('gives no private key away to who asks for it with the PIN', async () => {
    const settings = settingsOf(newToken());
    const store = await openKeyStore({ settings, secret: hsm.pin });
    await store.create('gateway', 'ES256');
    const session = await openTokenSession(settings, hsm.pin, systemClock);
    const read = (kind: 'PRIVATE' | 'PUBLIC', attribute: 'CKA_VALUE' | 'CKA_EC_POINT') =>
      session.call('reading a key', ({ api, constants, session: handle }) => {
        const type = constants[attribute];
        const value = constants[`CKO_${kind}_KEY`];
        api.C_FindObjectsInit(handle, [
          { type: constants.CKA_CLASS, value },
          { type: constants.CKA_LABEL, value: 'gateway' },
        ]);
        const [key] = api.C_FindObjects(handle, 2);
        api.C_FindObjectsFinal(handle);
        if (!key) throw new Error('the token has the key');
        return api.C_GetAttributeValue(handle, key, [{ type }])[0]?.value;
      });
    expect(await read('PUBLIC', 'CKA_EC_POINT')).toHaveLength(67);
    const said = await read('PRIVATE', 'CKA_VALUE').catch(({ cause }: Error) => cause);
    expect(said).toMatchObject({ message: 'CKR_ATTRIBUTE_SENSITIVE' });
    await session.close();
    await store.close();
  });

  it('signs again when its token is back, and nothing while it is away', async () => {
    const token = newToken();
    const store = await openKeyStore({ settings: settingsOf(token), secret: hsm.pin });
    const made = await store.create('gateway', 'ES256');
    const signer = await store.signer('gateway');
    const data = Buffer.from('a batch');
    const sign = async () => isSignedBy(made, data, await signer.sign(data));
    expect(await sign()).toBe(true);
    const putBack = hsm.takeToken(token);
    await expect(signer.sign(data)).rejects.toMatchObject({ code: 'KEY_TOKEN_MISSING' });
    await expect(store.look()).rejects.toMatchObject({ code: 'KEY_TOKEN_MISSING' });
    putBack();
    expect(await sign()).toBe(true);
    expect(await store.look()).toMatchObject([{ did: made.did }]);
    await store.close();
  });

  it('says so when another program has deleted its key', async () => {
    const token = newToken();
    const store = await openKeyStore({ settings: settingsOf(token), secret: hsm.pin });
    await store.create('gateway', 'ES256');
    const signer = await store.signer('gateway');
    for (const type of ['privkey', 'pubkey']) {
      hsm.tool(token, '--delete-object', '--type', type, '--label', 'gateway');
    }
    await expect(signer.sign(Buffer.from('x'))).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    await expect(store.signer('gateway')).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    await store.close();
  });

  it.each([false, true])(
    'holds a gateway’s keys from keygen to the signed readings (counting: %s)',
    async (countBatches) => {
      const slave = await startSlave((request) =>
        dataFrame(
          request,
          registers(request, (address) => 4000 + address),
        ),
      );
      const own = join(folder, `gateway-${countBatches}`);
      mkdirSync(own);
      const config = join(own, 'gateway.yaml');
      writeFileSync(join(own, 'pin'), `${hsm.pin}\n`, { mode: 0o600 });
      const token = newToken();
      const counting = countBatches ? ', countBatches: true' : '';
      const keys = `{ store: pkcs11, module: ${hsm.module}, token: ${token}, pin: { file: pin }${counting} }`;
      writeFileSync(config, gatewayYaml(keys, slave.port));
      const cli = fileURLToPath(new URL('../../gateway/cli.ts', import.meta.url));
      const run = async (...args: string[]) =>
        (await promisify(execFile)(process.execPath, [cli, ...args])).stdout;
      const made = JSON.parse(await run('keygen', config, '--json')) as {
        keys: { label: string; did: string }[];
      };
      const did = made.keys.find(({ label }) => label === 'fc-1')?.did ?? '';
      await run('enrol-request', config, '--out', join(own, 'requests'));
      const request = readFileSync(join(own, 'requests', 'fc-1.jwt'));
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
          if (Number((JSON.parse(line) as { batches?: number }).batches) > 1) resolve();
        });
      });
      gateway.kill('SIGTERM');
      expect(await exited).toBe(0);
      await slave.close();
      const evidence = join(own, 'evidence.json');
      await run('outbox', config, 'export', '--out', evidence);
      const { credentials } = JSON.parse(readFileSync(evidence, 'utf8')) as {
        credentials: string[];
      };
      const flows: unknown[] = [];
      for (const token of credentials) {
        const opened = openToken(Buffer.from(token), 65_536);
        const key = publicKeyOfDid(did);
        if (isRefusal(opened)) throw new Error(opened.reason);
        expect(verifyToken(opened, key)).toBe(true);
        const batch = readBatch(opened.payload);
        if (isRefusal(batch)) throw new Error(batch.reason);
        flows.push(...batch.groups.flatMap(({ readings }) => readings));
      }
      expect(flows.length).toBeGreaterThan(0);
      for (const flow of flows) {
        expect(flow).toMatchObject({ point: 'flow', value: 4007, quality: 'good' });
      }
      const store = await openKeyStore({ settings: settingsOf(token), secret: hsm.pin });
      const place = await store.counters?.read(`epoch fc-1 ${did}`);
      await store.close();
      expect(place).toEqual({ epoch: 1, sequence: countBatches ? credentials.length : 0 });
    },
    60_000,
  );
});

/** A gateway with one meter, whose flow stands in register 7. */
function gatewayYaml(keys: string, port: number): string {
  const place = 'did:web:site.example';
  const flow = 'modbus: { table: holding, address: 7, encoding: { type: uint16 } }';
  return [
    `gateway: { name: site, organisation: "${place}", data: ./data }`,
    `keys: ${keys}`,
    `facility: ${place}/facility/one`,
    `uplink: { sink: mqtt, ingester: "${INGESTER}", connection: { url: "mqtt://127.0.0.1:9" } }`,
    'http: { serve: false }',
    'devices:',
    '  - name: fc-1',
    '    driver: modbus',
    `    goods: "${place}/batch/"`,
    `    connection: { host: 127.0.0.1, port: ${port}, unitId: 1 }`,
    '    everyMs: 100',
    '    flushMs: 100',
    '    profile:',
    '      name: my-meter',
    '      summary: A meter',
    '      source: This test',
    '      protocol: modbus',
    '      reportsOn: pipeline-batch',
    `      points: { flow: { summary: Flow, type: VolumeFlowRate, unit: MQH, ${flow} } }`,
    '',
  ].join('\n');
}
