/**
 * Who we are to a server as a user: nobody in particular, a name with a password, or an X.509
 * certificate. A password leaves this machine only encrypted: by its own token or by the channel.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { EdgeError } from '../../../devices/errors.ts';
import type { Endpoint, Opcua, UserIdentity } from './library.ts';
import type { OpcuaSettings } from './settings.ts';

/** What a user shows, read from the files that the configuration names. */
export type User =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'name'; readonly name: string; readonly password: string }
  | {
      readonly kind: 'certificate';
      readonly certificate: X509Certificate;
      readonly keyPem: string;
    };

/**
 * Reads the user's files; anew for each attempt, so that a changed password counts at once.
 *
 * @throws EdgeError GW_OPCUA_USER_UNREADABLE.
 */
export function readUser(
  settings: Pick<OpcuaSettings, 'user'>,
  resolvePath: (path: string) => string,
): User {
  const { user } = settings;
  if (!user) return { kind: 'anonymous' };
  if (user.name !== undefined && user.passwordFile !== undefined) {
    const text = read(resolvePath(user.passwordFile)).toString('utf8');
    return { kind: 'name', name: user.name, password: text.split(/\r?\n/, 1)[0] ?? '' };
  }
  const certFile = resolvePath(user.certFile ?? '');
  const keyFile = resolvePath(user.keyFile ?? '');
  const certificateBytes = read(certFile);
  const keyBytes = read(keyFile);
  try {
    const certificate = new X509Certificate(certificateBytes);
    const key = createPrivateKey(keyBytes);
    if (!certificate.checkPrivateKey(key)) throw new Error(`${keyFile} is the key of another one`);
    const keyPem = String(key.export({ type: 'pkcs8', format: 'pem' }));
    return { kind: 'certificate', certificate, keyPem };
  } catch (cause) {
    throw new EdgeError('GW_OPCUA_USER_UNREADABLE', `reading ${certFile} and its key`, { cause });
  }
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new EdgeError('GW_OPCUA_USER_UNREADABLE', `reading ${file}`, { cause });
  }
}

const KINDS = { anonymous: 'Anonymous', name: 'UserName', certificate: 'Certificate' } as const;

/**
 * Leaves of an endpoint's user token policies the one that is used, the strongest that is safe, so
 * that the library has nothing to choose. OPC 10000-4 §7.41: a policy without an algorithm of its
 * own uses the channel's; where that is none, the secret would travel as it is.
 *
 * @throws EdgeError GW_OPCUA_USER_REFUSED, saying what the server would take.
 */
export function chooseUserToken(opcua: Opcua, user: User, endpoint: Endpoint): void {
  const { MessageSecurityMode, SecurityPolicy, UserTokenType } = opcua.client;
  const offered = endpoint.userIdentityTokens ?? [];
  const kind = UserTokenType[KINDS[user.kind]];
  const fitting = offered.filter((policy) => policy.tokenType === kind);
  if (fitting.length === 0) {
    const kinds = [...new Set(offered.map((policy) => UserTokenType[policy.tokenType]))];
    throw refused(user, `the server takes only: ${kinds.join(', ') || 'nobody'}`);
  }
  const channel = endpoint.securityPolicyUri ?? '';
  const sealed = endpoint.securityMode === MessageSecurityMode.SignAndEncrypt;
  const order: readonly string[] = [
    SecurityPolicy.Aes256_Sha256_RsaPss,
    SecurityPolicy.Basic256Sha256,
    SecurityPolicy.Aes128_Sha256_RsaOaep,
  ];
  const strength = (uri: string | null): number => {
    const at = order.indexOf(uri || channel);
    if (at >= 0) return at;
    // In a sealed channel a password may go without encryption of its own.
    const plain = (uri || channel) === SecurityPolicy.None;
    const harmless = user.kind === 'anonymous' || (user.kind === 'name' && sealed);
    return plain && harmless ? order.length : Number.POSITIVE_INFINITY;
  };
  const best = fitting
    .map((policy) => ({ policy, at: strength(policy.securityPolicyUri) }))
    .sort((a, b) => a.at - b.at)[0];
  if (!best || (best.at === Number.POSITIVE_INFINITY && user.kind !== 'anonymous')) {
    const algorithms = fitting.map((policy) => (policy.securityPolicyUri || channel).split('#')[1]);
    throw refused(
      user,
      user.kind === 'name'
        ? `the password would travel readable, or in a way that Node cannot encrypt: ${algorithms.join(', ')}`
        : `its proof would be made with ${algorithms.join(', ')}, which proves nothing here`,
    );
  }
  endpoint.userIdentityTokens = [best.policy];
}

function refused(user: User, why: string): EdgeError {
  const who = { anonymous: 'anonymous', name: 'user name', certificate: 'user certificate' };
  return new EdgeError('GW_OPCUA_USER_REFUSED', `logging in with ${who[user.kind]}: ${why}`);
}

/** The user as the library takes it. */
export function identityOf(opcua: Opcua, user: User): UserIdentity {
  const { crypto_utils, UserTokenType } = opcua.client;
  if (user.kind === 'anonymous') return { type: UserTokenType.Anonymous };
  if (user.kind === 'name') {
    return { type: UserTokenType.UserName, userName: user.name, password: user.password };
  }
  const key = crypto_utils.coercePEMorDerToPrivateKey(user.keyPem);
  return {
    type: UserTokenType.Certificate,
    certificateData: user.certificate.raw,
    keyOperations: crypto_utils.keyOperationsFromPrivateKey(key),
  };
}
