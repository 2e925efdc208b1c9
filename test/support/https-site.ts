/**
 * A web server of an organisation, with a certificate of its own authority: what it publishes,
 * and every way in which such a server misbehaves.
 */
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

/** A certificate with its key, PEM. */
export interface SiteCertificate {
  readonly cert: string;
  readonly key: string;
}

/** A self-signed certificate for host names; it is its own authority. */
export async function siteCertificate(
  hosts: readonly string[],
  period: { readonly fromMs?: number; readonly untilMs?: number } = {},
): Promise<SiteCertificate> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const nowMs = Date.now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: `01${randomBytes(8).toString('hex')}`,
      name: `CN=${hosts[0]}`,
      notBefore: new Date(period.fromMs ?? nowMs - DAY_MS),
      notAfter: new Date(period.untilMs ?? nowMs + DAY_MS),
      signingAlgorithm: ALGORITHM,
      keys: keys as CryptoKeyPair,
      extensions: [
        new x509.SubjectAlternativeNameExtension(
          hosts.map((value) => ({ type: 'dns' as const, value })),
        ),
      ],
    },
    webcrypto as Crypto,
  );
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64')}\n-----END PRIVATE KEY-----\n`;
  return { cert: certificate.toString('pem'), key };
}

export interface HttpsSite {
  readonly port: number;
  /** TCP connections so far. */
  connections(): number;
  /** Requests so far, as `Host path`. */
  readonly requests: string[];
  close(): Promise<void>;
}

/** Serves on `address` (loopback; port 0 takes any that is free) with `answer`. */
export async function startHttpsSite(
  options: ServerOptions & { readonly address?: string; readonly port?: number },
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<HttpsSite> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  let connections = 0;
  const server = createServer(options, (request, response) => {
    requests.push(`${request.headers.host} ${request.url}`);
    answer(request, response);
  });
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  const { address = '127.0.0.1', port = 0 } = options;
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
