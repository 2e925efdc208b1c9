/** A door of TLS, with certificates on both sides, before a server on a bare port. */
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';

export interface TlsFront {
  readonly port: number;
  /** Secured connections that are open now. */
  connections(): number;
  close(): Promise<void>;
}

/** Paths of PEM files. */
export interface TlsFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** Starts it before 127.0.0.1:`behind`; only clients of the authority come in. */
export async function startTlsFront(behind: number, files: TlsFiles): Promise<TlsFront> {
  const sockets = new Set<TLSSocket>();
  const [ca, cert, key] = [files.ca, files.certificate, files.key].map((path) =>
    readFileSync(path),
  );
  const server = createServer({ ca, cert, key, requestCert: true, rejectUnauthorized: true });
  server.on('secureConnection', (secured) => {
    sockets.add(secured);
    const plain = connect({ host: '127.0.0.1', port: behind, noDelay: true });
    secured.pipe(plain).pipe(secured);
    plain.on('error', () => undefined).on('close', () => secured.destroy());
    secured
      .on('error', () => undefined)
      .on('close', () => {
        sockets.delete(secured);
        plain.destroy();
      });
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
