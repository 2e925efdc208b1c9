/**
 * A wire of Modbus/TCP Security: TLS 1.2 or later, both sides with certificates (Modbus/TCP
 * Security v36 §8). The role extension is the device's to read in our certificate: whoever only
 * reads needs none.
 */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { reasonOf, type Wire, type WireEvents, wireOfSocket } from './socket.ts';

export interface TlsAddress {
  readonly kind: 'tls';
  readonly host: string;
  readonly port: number;
  /** Name that the device's certificate must hold. */
  readonly serverName: string;
  /** Paths of PEM files. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** Opens it. The files are read each time, so that a renewed certificate needs no restart. */
export function openTls(address: TlsAddress, events: WireEvents): Wire {
  let wire: Wire | undefined;
  let socket: TLSSocket | undefined;
  let isDestroyed = false;
  void (async () => {
    try {
      const files = [address.ca, address.certificate, address.key];
      const [ca = '', cert = '', key = ''] = await Promise.all(
        files.map((path) => readFile(path, 'utf8')),
      );
      if (isDestroyed) return events.onClose('closed');
      const { host, port, serverName } = address;
      socket = connect({
        host,
        port,
        ca,
        cert,
        key,
        minVersion: 'TLSv1.2',
        rejectUnauthorized: true,
        // RFC 6066 §3: an address is no server name; the certificate is still checked for it.
        ...(isIP(serverName) === 0 ? { servername: serverName } : { servername: '' }),
      });
      socket.setNoDelay(true);
      wire = wireOfSocket(socket, 'secureConnect', events);
    } catch (error) {
      events.onClose(reasonOf(error as NodeJS.ErrnoException));
    }
  })();
  return {
    write: (bytes) => wire?.write(bytes),
    shown: () => socket?.getPeerX509Certificate(),
    destroy() {
      isDestroyed = true;
      wire?.destroy();
    },
  };
}
