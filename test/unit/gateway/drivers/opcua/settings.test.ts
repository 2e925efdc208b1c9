import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compileReporter } from '../../../../../devices/schema.ts';
import { opcuaDriver } from '../../../../../gateway/drivers/opcua.ts';
import { testProfile, testSettings } from '../../../../support/opcua-device.ts';

const url = 'opc.tcp://192.0.2.10:4840';

function mistakes(more: Parameters<typeof testSettings>[1], points = testProfile.points): string[] {
  return opcuaDriver.check(testSettings(url, more), points).map(({ message }) => message);
}

describe('settings', () => {
  it('are secured and complete when only the address is given', () => {
    const value: Record<string, unknown> = { url };
    expect(compileReporter(opcuaDriver.settings)(value)).toEqual([]);
    expect(value).toMatchObject({
      securityMode: 'SignAndEncrypt',
      securityPolicy: 'Basic256Sha256',
    });
  });

  it('name everything that is wrong', () => {
    const report = compileReporter(opcuaDriver.settings);
    const wrong = { url: 'http://x', securityPolicy: 'Basic129', publishMs: 5, queueSize: 1 };
    const found = report(wrong);
    expect(found.map(({ path, unknownKey }) => unknownKey ?? path[0]).sort()).toEqual([
      'publishMs',
      'queueSize',
      'securityPolicy',
      'url',
    ]);
  });

  it('do without security only when three settings say so', () => {
    const none = { securityMode: 'None', securityPolicy: 'None' } as const;
    expect(mistakes({ ...none, insecure: true })).toEqual([]);
    expect(mistakes(none)).toEqual([
      expect.stringContaining('write insecure: true if it is meant'),
    ]);
    expect(mistakes({ securityMode: 'None', insecure: true })).toHaveLength(1);
    expect(mistakes({ securityPolicy: 'None' })).toHaveLength(1);
    expect(mistakes({ insecure: true })).toEqual([expect.stringContaining('leave it out')]);
    const pinned = { serverCertificate: 'server.pem' };
    expect(mistakes({ ...none, insecure: true, ...pinned })).toHaveLength(1);
    const user = { name: 'bondline', passwordFile: 'password' };
    expect(mistakes({ ...none, insecure: true, ...pinned, user })).toEqual([]);
    expect(mistakes(pinned)).toEqual([]);
  });

  it('refuse old policies with the reason', () => {
    expect(mistakes({ securityPolicy: 'Basic128Rsa15' })).toEqual([
      'Basic128Rsa15 is refused: Node refuses RSA PKCS#1 v1.5 decryption (CVE-2023-46809), and its ' +
        'signatures use SHA-1, which can be forged; choose Basic256Sha256 or newer',
    ]);
    expect(mistakes({ securityPolicy: 'Basic256' })).toEqual([expect.stringContaining('SHA-1')]);
  });

  it('take one kind of user, whole', () => {
    const certificate = { certFile: 'user.pem', keyFile: 'user-key.pem' };
    expect(mistakes({ user: { name: 'a', passwordFile: 'b' } })).toEqual([]);
    expect(mistakes({ user: certificate })).toEqual([]);
    for (const user of [{}, { name: 'a' }, { passwordFile: 'b' }, { certFile: 'c' }]) {
      expect(mistakes({ user }), JSON.stringify(user)).toHaveLength(1);
    }
    expect(mistakes({ user: { name: 'a', ...certificate } })).toHaveLength(1);
    expect(mistakes({ user: { name: 'a', keyFile: 'd' } })).toHaveLength(1);
  });

  it('go with points that have an OPC UA path', () => {
    const modbus = {
      table: 'coil',
      address: 0,
      encoding: { type: 'bool', order: 'ABCD' },
    } as const;
    const lost = { lost: { summary: 'No path.', type: 'bl:Text', unit: '', modbus } };
    expect(mistakes({}, { ...testProfile.points, ...lost })).toEqual([
      expect.stringContaining('point lost '),
    ]);
    expect(mistakes({ rootPath: 'Plant//Line' })).toHaveLength(1);
  });
});

describe('the OPC UA package', () => {
  const program = (failing: boolean) => `
    const { registerHooks } = await import('node:module');
    const asked = [];
    registerHooks({ resolve(specifier, context, next) {
      if (specifier.startsWith('node-opcua')) {
        asked.push(specifier);
        const missing = Object.assign(new Error(specifier), { code: 'ERR_MODULE_NOT_FOUND' });
        if (${failing}) throw missing;
      }
      return next(specifier, context);
    } });
    const { opcuaDriver } = await import('./gateway/drivers/opcua.ts');
    const { explain } = await import('./devices/errors.ts');
    const { silentLog, systemClock, systemRandom } = await import('./devices/runtime.ts');
    const before = asked.length;
    const context = { clock: systemClock, random: systemRandom, log: silentLog, device: 'd',
      gateway: 'g', dataDirectory: '/nonexistent' };
    const settings = ${JSON.stringify(testSettings(url))};
    const said = ${failing}
      ? await opcuaDriver.open(settings, {}, context).catch(explain)
      : '';
    console.log(JSON.stringify({ before, said }));`;

  function run(failing: boolean): { readonly before: number; readonly said: string } {
    const cwd = fileURLToPath(new URL('../../../../..', import.meta.url));
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', program(failing)],
      { cwd, encoding: 'utf8', timeout: 20_000 },
    );
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout);
  }

  it('is not loaded before a device is opened', () => {
    expect(run(false).before).toBe(0);
  });

  it('that is missing is named with the command that installs it', () => {
    const { said } = run(true);
    expect(said).toMatch(/^GW_DRIVER_PACKAGE_MISSING: loading the OPC UA driver/);
    expect(said).toContain('npm install node-opcua-client');
  });
});
