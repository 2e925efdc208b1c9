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
import type { Clock } from '../../../devices/runtime.ts';
import { deadline } from '../deadline.ts';
import { type Client, type Endpoint, isFullSession, type Opcua, type Session } from './library.ts';
import { type DeviceNodes, findNodes } from './nodes.ts';
import { chooseEndpoint, judgeCertificate, type Pki } from './security.ts';
import type { OpcuaSettings } from './settings.ts';

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

export interface LinkOptions {
  readonly opcua: Opcua;
  readonly pki: Pki;
  readonly settings: OpcuaSettings;
  readonly pinned: X509Certificate | undefined;
  readonly points: Readonly<Record<string, PointDefinition>>;
  readonly clock: Clock;
  /** Gives the attempt up. */
  readonly signal: AbortSignal;
}

/** One try, no retry: when to come back is decided by the caller. */
const ONCE = { maxRetry: 0, initialDelay: 100, maxDelay: 200, randomisationFactor: 0 };

/**
 * Opens a link.
 *
 * @throws EdgeError GW_OPCUA_UNREACHABLE, GW_OPCUA_ENDPOINT_MISSING,
 * GW_OPCUA_CERTIFICATE_REFUSED, GW_OPCUA_SESSION_REFUSED or GW_OPCUA_NODE_MISSING.
 */
export async function openLink(options: LinkOptions): Promise<Link> {
  const { opcua, pki, settings, clock } = options;
  const endpoint = chooseEndpoint(opcua, settings, await discover(options));
  const shown = endpoint.serverCertificate;
  const secured = settings.securityMode !== 'None';
  if (secured) {
    const nowMs = clock.nowMs();
    judgeCertificate({ pki, shown, pinned: options.pinned, url: settings.url, nowMs });
  }
  const { OPCUAClient, MessageSecurityMode, SecurityPolicy } = opcua.client;
  const client = OPCUAClient.create({
    ...identity(pki),
    securityMode: MessageSecurityMode[settings.securityMode],
    securityPolicy: SecurityPolicy[settings.securityPolicy],
    // The channel is opened with the key of exactly the certificate that was judged.
    ...(secured && { serverCertificate: shown }),
    connectionStrategy: ONCE,
    endpointMustExist: false,
    keepSessionAlive: false,
    keepPendingSessionsOnDisconnect: true,
    requestedSessionTimeout: limits.opcuaLifetimeMs,
    transportTimeout: limits.opcuaRequestMs,
    defaultTransactionTimeout: limits.opcuaRequestMs,
  });
  const broken = new Promise<Error>((resolve) => {
    client.on('close', (error) => resolve(error ?? new Error('the connection was closed')));
    client.on('connection_lost', () => resolve(new Error('the connection was lost')));
  });
  try {
    const session = await openSession(client, options);
    const points = Object.entries(options.points);
    const nodes = await findNodes(opcua, session, settings.rootPath, points);
    return {
      session,
      nodes,
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

async function openSession(client: Client, options: LinkOptions): Promise<Session> {
  const { clock, settings, signal } = options;
  try {
    const connected = client.connect(settings.url);
    await deadline(
      clock,
      2 * limits.opcuaRequestMs,
      'opening the secure channel',
      connected,
      signal,
    );
    const opening = client.createSession();
    const session = await deadline(
      clock,
      2 * limits.opcuaRequestMs,
      'opening a session',
      opening,
      signal,
    );
    assert(isFullSession(session), 'node-opcua-client has no raw subscription services any more');
    return session;
  } catch (cause) {
    const code = UNREACHABLE.test(String(cause))
      ? 'GW_OPCUA_UNREACHABLE'
      : 'GW_OPCUA_SESSION_REFUSED';
    throw new EdgeError(code, `opening a session with ${settings.url}`, {
      cause: onOneLine(cause),
    });
  }
}

/** Asks the server over an open channel what it offers; nothing of the answer is believed yet. */
async function discover(options: LinkOptions): Promise<readonly Endpoint[]> {
  const { opcua, pki, settings, clock, signal } = options;
  const client = opcua.client.OPCUAClient.create({
    ...identity(pki),
    securityMode: opcua.client.MessageSecurityMode.None,
    securityPolicy: opcua.client.SecurityPolicy.None,
    connectionStrategy: ONCE,
    endpointMustExist: false,
    transportTimeout: limits.opcuaRequestMs,
    defaultTransactionTimeout: limits.opcuaRequestMs,
  });
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

function identity(pki: Pki) {
  return {
    applicationName: pki.applicationName,
    applicationUri: pki.applicationUri,
    clientCertificateManager: pki.manager,
    certificateFile: pki.certificateFile,
    privateKeyFile: pki.privateKeyFile,
  };
}

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
