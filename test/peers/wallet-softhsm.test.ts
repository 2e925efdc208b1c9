/** A wallet whose keys were made in SoftHSM2 and never leave it. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyCredential } from '../../devices/credential/verify.ts';
import { openDocuments } from '../../devices/io/documents.ts';
import { systemClock, systemRandom } from '../../devices/runtime.ts';
import { runWallet } from '../../devices/wallet/commands.ts';
import { openWallet } from '../../devices/wallet/wallet.ts';
import { memorySigner } from '../support/identity.ts';
import { hasPeer } from '../support/peers.ts';
import { someProfile } from '../support/signed-batch.ts';
import { makeSoftHsm, type SoftHsm } from '../support/softhsm.ts';

const did = 'did:web:mill.example';
const context = { clock: systemClock, random: systemRandom };

describe.skipIf(!hasPeer('softhsm'))('a wallet on SoftHSM2', () => {
  let hsm: SoftHsm;
  let folder = '';
  beforeAll(() => {
    hsm = makeSoftHsm();
    hsm.addToken('wallet');
    folder = mkdtempSync(join(tmpdir(), 'softhsm-wallet-'));
    writeFileSync(join(folder, 'pin'), `${hsm.pin}\n`);
  });
  afterAll(() => {
    hsm?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it('makes its key inside, enrols, publishes, and replaces the key', async () => {
    const at = join(folder, 'w');
    const said: string[] = [];
    const say = (text: string) => void said.push(text);
    const output = { out: say, err: say };
    const token = ['--module', hsm.module, '--token', 'wallet'];
    const args = ['init', at, '--did', did, '--name', 'Mill', ...token];
    const code = await runWallet(
      [...args, '--passphrase-file', join(folder, 'pin')],
      output,
      context,
    );
    expect(code, said.join('')).toBe(0);
    expect(existsSync(join(at, 'keys.json'))).toBe(false);
    expect(hsm.tool('wallet', '--list-objects', '--type', 'privkey')).toMatch(/organisation/);

    const wallet = openWallet(at, context);
    const request = {
      ...{ device: memorySigner().did, gateway: memorySigner().did, label: 'a' },
      ...{ profile: someProfile, cadenceMs: 1000, heartbeatMs: 60_000, requestedMs: 0 },
      keyLocation: 'gateway-secure-element',
    } as const;
    const terms = {
      facility: { id: `${did}/facility/a`, name: 'A', latitude: 43, longitude: -79 },
      scope: { goods: [`${did}/heat/`] },
    };
    const before = await wallet.enrol({ requests: [request], terms });
    const after = await wallet.rotate('compromised');
    await wallet.publish(join(folder, 'web'));
    const documents = openDocuments(join(folder, 'web'));
    const codes = [...before, ...after].map(
      (one) => verifyCredential(one.token, { documents, atMs: Date.now() }).code,
    );
    expect(codes).toEqual(['VC_KEY_REVOKED', 'VC_VALID']);
    expect(await wallet.withSigner(async ({ keyId }) => keyId)).toBe(`${did}#key-2`);
  });
});
