import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  EndpointDescription,
  MessageSecurityMode,
  SecurityPolicy,
  UserTokenType,
} from 'node-opcua';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../../../../devices/runtime.ts';
import { loadOpcua, type Opcua } from '../../../../../gateway/drivers/opcua/library.ts';
import { chooseUserToken, readUser, type User } from '../../../../../gateway/drivers/opcua/user.ts';
import { makeCertificate, writeIdentity } from '../../../../support/opcua-certificates.ts';

let opcua: Opcua;
beforeAll(async () => {
  opcua = await loadOpcua(silentLog);
});
const folder = mkdtempSync(join(tmpdir(), 'bondline-user-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BY_NAME: User = { kind: 'name', name: 'mill', password: 'secret' };
const ANYONE: User = { kind: 'anonymous' };

type Policy = keyof typeof SecurityPolicy | '';

function endpoint(
  mode: keyof typeof MessageSecurityMode,
  channel: keyof typeof SecurityPolicy,
  tokens: readonly (readonly [keyof typeof UserTokenType, Policy])[],
): EndpointDescription {
  return new EndpointDescription({
    securityMode: MessageSecurityMode[mode],
    securityPolicyUri: SecurityPolicy[channel],
    userIdentityTokens: tokens.map(([type, policy], index) => ({
      policyId: `${index}`,
      tokenType: UserTokenType[type],
      securityPolicyUri: policy === '' ? null : SecurityPolicy[policy],
    })),
  });
}

/** Position of the policy that was left, or the reason why none was. */
function chosen(user: User, described: EndpointDescription): string {
  try {
    chooseUserToken(opcua, user, described);
    return described.userIdentityTokens?.map(({ policyId }) => policyId).join() ?? '';
  } catch (error) {
    return String(error);
  }
}

describe('the policy of a user token', () => {
  it('is the strongest, and encrypts of its own where it can', () => {
    const tokens = [
      ['UserName', 'None'],
      ['UserName', 'Basic128Rsa15'],
      ['UserName', 'Basic256Sha256'],
      ['UserName', 'Aes256_Sha256_RsaPss'],
      ['Anonymous', ''],
    ] as const;
    for (const mode of ['None', 'Sign', 'SignAndEncrypt'] as const) {
      const channel = mode === 'None' ? 'None' : 'Basic256Sha256';
      expect(chosen(BY_NAME, endpoint(mode, channel, tokens)), mode).toBe('3');
      expect(chosen(ANYONE, endpoint(mode, channel, tokens)), mode).toBe('4');
    }
  });

  it('without one of its own is that of the channel', () => {
    const tokens = [['UserName', '']] as const;
    expect(chosen(BY_NAME, endpoint('Sign', 'Basic256Sha256', tokens))).toBe('0');
    expect(chosen(BY_NAME, endpoint('None', 'None', tokens))).toContain('would travel readable');
  });

  it('may be none in a channel that encrypts, and nowhere else', () => {
    const tokens = [['UserName', 'None']] as const;
    expect(chosen(BY_NAME, endpoint('SignAndEncrypt', 'Basic256Sha256', tokens))).toBe('0');
    expect(chosen(BY_NAME, endpoint('Sign', 'Basic256Sha256', tokens))).toContain('readable');
    expect(chosen(BY_NAME, endpoint('None', 'None', tokens))).toContain('readable');
  });

  it('with RSA PKCS #1 v1.5 is none', () => {
    const tokens = [['UserName', 'Basic128Rsa15']] as const;
    const refused = chosen(BY_NAME, endpoint('SignAndEncrypt', 'Basic256Sha256', tokens));
    expect(refused).toContain('in a way that Node cannot encrypt: Basic128Rsa15');
  });

  it('of a certificate must prove something', async () => {
    const { certificate, keyPem } = await makeCertificate({ name: 'a user' });
    const user: User = { kind: 'certificate', certificate, keyPem };
    const bare = [['Certificate', '']] as const;
    expect(chosen(user, endpoint('Sign', 'Basic256Sha256', bare))).toBe('0');
    expect(chosen(user, endpoint('None', 'None', bare))).toContain('which proves nothing here');
    const none = [['Certificate', 'None']] as const;
    expect(chosen(user, endpoint('SignAndEncrypt', 'Basic256Sha256', none))).toContain('proves');
    expect(chosen(user, endpoint('Sign', 'Basic256Sha256', [['Anonymous', '']]))).toContain(
      'the server takes only: Anonymous',
    );
  });
});

describe('the files of a user', () => {
  const here = (path: string) => join(folder, path);

  it('give the first line of the password, also an empty one', () => {
    writeFileSync(here('password'), 'pass word \r\nnote\n');
    const user = { name: 'mill', passwordFile: 'password' };
    expect(readUser({ user }, here)).toEqual({
      kind: 'name',
      name: 'mill',
      password: 'pass word ',
    });
    writeFileSync(here('password'), '');
    expect(readUser({ user }, here)).toMatchObject({ password: '' });
    expect(readUser({}, here)).toEqual({ kind: 'anonymous' });
  });

  it('must be a certificate and its own key', async () => {
    const one = await makeCertificate({ name: 'one user' });
    const other = await makeCertificate({ name: 'another user' });
    const { certificateFile: certFile, privateKeyFile: keyFile } = writeIdentity(folder, one);
    const as = (path: string) => path;
    expect(readUser({ user: { certFile, keyFile } }, as)).toMatchObject({ kind: 'certificate' });
    writeFileSync(keyFile, other.keyPem);
    const wrong = { code: 'GW_OPCUA_USER_UNREADABLE' };
    expect(() => readUser({ user: { certFile, keyFile } }, as)).toThrow(
      expect.objectContaining(wrong),
    );
    expect(() => readUser({ user: { certFile: keyFile, keyFile } }, as)).toThrow(
      expect.objectContaining(wrong),
    );
  });
});
