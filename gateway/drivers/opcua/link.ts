/**
 * One attempt to stand before a server: look at what it offers, judge its certificate, open the
 * secure channel and a session, find the points. The link lives until its connection breaks; the
 * library's own reconnecting is off, since it would acknowledge what we have not stored.
 */
import { strict as assert } from 'node:assert';
import type { X509Certificate } from 'node:crypto';
import { EdgeError } from '../../../devices/errors.ts';
import { limits } from '../../../devices/limits.ts';
import type { PointDefinition } from '../../../devices/profile.ts';
import type { LossCause } from '../../../devices/reading.ts';
import { type Clock, formatTime } from '../../../devices/runtime.ts';
import type { DriverContext } from '../../driver.ts';
import { deadline } from '../deadline.ts';
import { type Client, type Endpoint, isFullSession, type Opcua, type Session } from './library.ts';
import { type KnownNamespaces, namespacesOf, readNamespaceArray } from './namespaces.ts';
import { type DeviceNodes, findNodes } from './nodes.ts';
import { APPLICATION_NAME, applicationUriOf, type OwnCertificate } from './own-certificate.ts';
import { chooseEndpoint, judgeCertificate, type Pki } from './security.ts';
import { guardServices } from './services.ts';
import type { OpcuaSettings } from './settings.ts';
import { chooseUserToken, identityOf, readUser, type User } from './user.ts';

export interface Link {
  readonly session: Session;
  readonly nodes: DeviceNodes;
  /** Resolves with the reason once the connection or the session is no more. */
  readonly broken: Promise<Error>;
  /** Ends the session in good order, at most `limits.opcuaRequestMs`. */
  close(): Promise<void>;
  /** Lets go of a broken connection; what the server holds for us stays, to be taken over. */
  abandon(): Promise<void>;
}

/** The session that was opened last, as long as a server may still hold it. */
export interface KeptSession {
  session?: Session;
}

export interface LinkOptions {
  readonly opcua: Opcua;
  readonly pki: Pki;
  readonly settings: OpcuaSettings;
  readonly pinned: X509Certificate | undefined;
  readonly points: Readonly<Record<string, PointDefinition>>;
  /** What the indexes of namespaces were in the links before. */
  readonly namespaces: KnownNamespaces;
  /** Filled when a session is opened, and tried first by the next attempt. */
  readonly kept?: KeptSession;
  readonly clock: Clock;
  readonly context: Pick<DriverContext, 'device' | 'log' | 'resolvePath'>;
  /** Gives the attempt up. */
  readonly signal: AbortSignal;
}

/** What it takes to open a session, before anything is looked up in it. */
export type SessionOptions = Omit<LinkOptions, 'namespaces' | 'points'>;

/** A session that was opened, before anything is looked up in it. */
export interface OpenSession {
  readonly session: Session;
  readonly client: Client;
  /** Resolves with the reason once the connection or the session is no more. */
  readonly broken: Promise<Error>;
  close(): Promise<void>;
  abandon(): Promise<void>;
}

/** One try, no retry: when to come back is decided by the caller. */
const ONCE = { maxRetry: 0, initialDelay: 100, maxDelay: 200, randomisationFactor: 0 };

/**
 * Opens a link.
 *
 * @throws EdgeError GW_OPCUA_NODE_MISSING and those of `openSecured`.
 */
export async function openLink(options: LinkOptions): Promise<Link> {
  const { clock, opcua, pki, settings } = options;
  const opened = await openSecured(options);
  const stopWatch = watchOwnCertificate(clock, pki);
  try {
    const { broken, session } = opened;
    const uris = await readNamespaceArray(session);
    const namespaces = namespacesOf(uris, options.namespaces);
    const search = { opcua, session, settings, namespaces };
    const nodes = await findNodes(search, Object.entries(options.points));
    const { device, log } = options.context;
    for (const note of nodes.notes) log.warn(`device ${device}: ${note}`);
    const ending = (end: () => Promise<void>) => async () => {
      stopWatch();
      await end();
    };
    return { session, nodes, broken, close: ending(opened.close), abandon: ending(opened.abandon) };
  } catch (error) {
    stopWatch();
    await opened.abandon();
    throw error;
  }
}

/** A link may live for years: our certificate is renewed meanwhile, and used from the next on. */
function watchOwnCertificate(clock: Clock, pki: Pki): () => void {
  let cancel = (): void => {};
  const next = () => {
    cancel = clock.after(limits.opcuaCertificateCheckMs, () => {
      // What hinders renewal is said by the next attempt to connect, which needs the certificate.
      pki.own().catch(() => undefined);
      next();
    });
  };
  next();
  return () => cancel();
}

/**
 * Opens a session as the configured user, with a server that was judged first.
 *
 * @throws EdgeError GW_OPCUA_UNREACHABLE, GW_OPCUA_ENDPOINT_MISSING,
 * GW_OPCUA_CERTIFICATE_REFUSED, GW_OPCUA_CLOCK_WRONG, GW_OPCUA_USER_UNREADABLE,
 * GW_OPCUA_USER_REFUSED or GW_OPCUA_SESSION_REFUSED.
 */
export async function openSecured(options: SessionOptions): Promise<OpenSession> {
  const { clock, context, opcua, pki, settings } = options;
  const { device, log } = context;
  const { url } = settings;
  const user = readUser(settings, (path) => context.resolvePath?.(path) ?? path);
  const own = await pki.own();
  const endpoint = chooseEndpoint(opcua, settings, await discover(options, own[0]));
  chooseUserToken(opcua, user, endpoint);
  // Without a channel there still is the server that a password is encrypted for.
  const judged = settings.securityMode !== 'None' || user.kind !== 'anonymous';
  if (settings.securityMode === 'None') {
    log.warn(`device ${device}: neither signed nor encrypted, as configured`, { url });
  }
  if (judged) {
    const { pinned } = options;
    const nowMs = clock.nowMs();
    const { shown, tolerated } = judgeCertificate({ pki, endpoint, pinned, settings, nowMs });
    pki.see(url, shown);
    for (const fault of tolerated) {
      log.warn(`device ${device}: a fault of the server certificate is tolerated`, { url, fault });
    }
  }
  for (const [index, certificate] of own.entries()) {
    try {
      const shown = judged ? endpoint.serverCertificate : undefined;
      const opened = await openSession(options, { certificate, shown, user });
      if (index > 0) {
        const { file } = own[0] ?? certificate;
        log.warn(`device ${device}: the server does not trust our renewed certificate yet`, {
          url,
          file,
          until: formatTime(certificate.certificate.validToDate.getTime()),
        });
      }
      return opened;
    } catch (error) {
      const refused = error instanceof EdgeError && error.code === 'GW_OPCUA_SESSION_REFUSED';
      // A server that has not been told of a renewed certificate still knows the one before.
      if (!refused || index === own.length - 1) throw error;
    }
  }
  throw new EdgeError('GW_OPCUA_SESSION_REFUSED', `there is no certificate to show to ${url}`);
}

async function openSession(
  options: SessionOptions,
  how: {
    readonly certificate: OwnCertificate;
    /** The server's certificate that was judged. */
    readonly shown: Buffer | undefined;
    readonly user: User;
  },
): Promise<OpenSession> {
  const { clock, opcua, pki, settings } = options;
  const { OPCUAClient, MessageSecurityMode, SecurityPolicy } = opcua.client;
  const client = OPCUAClient.create({
    ...identity(pki, how.certificate),
    securityMode: MessageSecurityMode[settings.securityMode],
    securityPolicy: SecurityPolicy[settings.securityPolicy],
    // Channel and password are encrypted for exactly the certificate that was judged.
    ...(how.shown && { serverCertificate: how.shown }),
    connectionStrategy: ONCE,
    endpointMustExist: false,
    keepSessionAlive: false,
    keepPendingSessionsOnDisconnect: true,
    requestedSessionTimeout: limits.opcuaLifetimeMs,
    transportTimeout: limits.opcuaRequestMs,
    defaultTransactionTimeout: limits.opcuaRequestMs,
  });
  guardServices(client);
  const broken = new Promise<Error>((resolve) => {
    client.on('close', (error) => resolve(error ?? new Error('the connection was closed')));
    client.on('connection_lost', () => resolve(new Error('the connection was lost')));
  });
  try {
    const session = await startSession(client, options, how.user);
    if (options.kept) options.kept.session = session;
    return {
      session,
      client,
      broken,
      async close() {
        await settle(clock, session.close(true));
        await settle(clock, client.disconnect());
      },
      abandon: () => settle(clock, client.disconnect()),
    };
  } catch (error) {
    await settle(clock, client.disconnect());
    throw error;
  }
}

async function startSession(client: Client, options: SessionOptions, user: User): Promise<Session> {
  const { clock, opcua, settings, signal } = options;
  const withinMs = 2 * limits.opcuaRequestMs;
  try {
    const connected = client.connect(settings.url);
    await deadline(clock, withinMs, 'opening the secure channel', connected, signal);
    const restricting = restrictUserPolicies(client, opcua, settings, user);
    await deadline(clock, withinMs, 'asking for the endpoints', restricting, signal);
    const old = await reactivated(client, options, user);
    if (old) return old;
    const opening = client.createSession(identityOf(opcua, user));
    const session = await deadline(clock, withinMs, 'opening a session', opening, signal);
    assert(isFullSession(session), 'node-opcua-client has no raw subscription services any more');
    return session;
  } catch (cause) {
    if (cause instanceof EdgeError) throw cause;
    const told = `opening a session with ${settings.url}`;
    throw new EdgeError(codeOf(String(cause)), told, { cause: onOneLine(cause) });
  }
}

/**
 * The session of the link before, on the new channel (ActivateSession, OPC 10000-4 §5.7.3): its
 * subscriptions go on, and a server with few sessions does not run out of them. `undefined` where
 * the server has forgotten it, or will not have it here.
 */
async function reactivated(
  client: Client,
  options: SessionOptions,
  user: User,
): Promise<Session | undefined> {
  const { clock, kept, opcua, signal } = options;
  const session = kept?.session;
  if (!kept || !session) return undefined;
  // The library logs in with what it finds here; a password may have changed meanwhile.
  Object.assign(session, { userIdentityInfo: identityOf(opcua, user) });
  const activating = client.reactivateSession(session).then(() => true);
  const withinMs = limits.opcuaRequestMs;
  const work = deadline(clock, withinMs, 'activating the session', activating, signal);
  const isActive = await work.catch(() => false);
  if (isActive) return session;
  // One try; but where the connection broke, the server has not been heard about it.
  if (isConnected(client)) delete kept.session;
  return undefined;
}

/**
 * Asks for the endpoints once more, now over the channel, and leaves the library one user token
 * policy in those: an answer that nobody has checked must not make it send a password readable.
 * The library keeps the very list that it returns, and takes the policy from there.
 */
async function restrictUserPolicies(
  client: Client,
  opcua: Opcua,
  settings: OpcuaSettings,
  user: User,
): Promise<void> {
  const offered = await client.getEndpoints({ endpointUrl: settings.url });
  const mode = opcua.client.MessageSecurityMode[settings.securityMode];
  const policy = opcua.client.SecurityPolicy[settings.securityPolicy];
  for (const endpoint of offered) {
    if (endpoint.securityMode !== mode || endpoint.securityPolicyUri !== policy) continue;
    chooseUserToken(opcua, user, endpoint);
  }
}

function codeOf(cause: string) {
  if (UNREACHABLE.test(cause)) return 'GW_OPCUA_UNREACHABLE';
  return USER_REFUSED.test(cause) ? 'GW_OPCUA_USER_REFUSED' : 'GW_OPCUA_SESSION_REFUSED';
}

function isConnected(client: Client): boolean {
  return '_secureChannel' in client && client._secureChannel !== null;
}

/** Asks the server over an open channel what it offers; nothing of the answer is believed yet. */
async function discover(
  options: SessionOptions,
  own: OwnCertificate | undefined,
): Promise<readonly Endpoint[]> {
  const { opcua, pki, settings, clock, signal } = options;
  const client = opcua.client.OPCUAClient.create({
    ...identity(pki, own),
    securityMode: opcua.client.MessageSecurityMode.None,
    securityPolicy: opcua.client.SecurityPolicy.None,
    connectionStrategy: ONCE,
    endpointMustExist: false,
    transportTimeout: limits.opcuaRequestMs,
    defaultTransactionTimeout: limits.opcuaRequestMs,
  });
  guardServices(client);
  try {
    const asked = client
      .connect(settings.url)
      .then(() => client.getEndpoints({ endpointUrl: settings.url }));
    return await deadline(
      clock,
      2 * limits.opcuaRequestMs,
      'asking for the endpoints',
      asked,
      signal,
    );
  } catch (cause) {
    throw new EdgeError('GW_OPCUA_UNREACHABLE', `connecting to ${settings.url}`, {
      cause: onOneLine(cause),
    });
  } finally {
    await settle(clock, client.disconnect());
  }
}

function identity(pki: Pki, own: OwnCertificate | undefined) {
  return {
    applicationName: APPLICATION_NAME,
    applicationUri: applicationUriOf(own),
    clientCertificateManager: pki.manager,
    ...(own && { certificateFile: own.file }),
    privateKeyFile: pki.privateKeyFile,
  };
}

/** OPC 10000-4 §7.38: the server knows us, and does not take the user. */
const USER_REFUSED = /BadUserAccessDenied|BadIdentityToken|BadUserSignatureInvalid/;

/** Nobody listens there, or nobody can be reached. */
const UNREACHABLE = /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|ETIMEDOUT/;

/** The library's messages run over several lines, of which the last says what happened. */
function onOneLine(error: unknown): Error {
  const text = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
  const what = /Err = \((.*)\)/.exec(text)?.[1];
  return new Error((what ?? text).trim());
}

/** What a failure to connect means for the values that were to be read. */
export function lossCauseOf(error: unknown): LossCause {
  if (!(error instanceof EdgeError)) return error === undefined ? 'absent' : 'timeout';
  if (error.code !== 'GW_OPCUA_UNREACHABLE') return 'refused';
  const why = String(error.cause);
  if (/hadErrortrue/.test(why)) return 'nonsense';
  return /Timeout|took longer/.test(why) ? 'timeout' : 'absent';
}

/** Whether the port is closed: the server's process is gone, and its memory with it. */
export function isServerGone(error: unknown): boolean {
  return error instanceof EdgeError && /ECONNREFUSED/.test(String(error.cause));
}

/** Closing is a courtesy: it gets its time and its failure changes nothing. */
async function settle(clock: Clock, work: Promise<void>): Promise<void> {
  await deadline(clock, limits.opcuaRequestMs / 5, 'closing', work).catch(() => undefined);
}
