/** Bytes to and from a device: opens a socket, a secured socket or a serial port. */
import { connect } from 'node:net';
import type { Clock } from '../../../devices/runtime.ts';
import { openSerial, type SerialAddress } from './serial.ts';
import { type Wire, type WireEvents, wireOfSocket } from './socket.ts';
import { openTls, type TlsAddress } from './tls.ts';

export type { Wire, WireEvents } from './socket.ts';

export interface TcpAddress {
  readonly kind: 'tcp';
  readonly host: string;
  readonly port: number;
}

/** Where the far end of a wire is, and what it takes to open it. */
export type Address = TcpAddress | TlsAddress | SerialAddress;

/** Opens a wire; returns at once, and the events say what becomes of it. */
export function openWire(address: Address, events: WireEvents, clock: Clock): Wire {
  switch (address.kind) {
    case 'tcp': {
      const { host, port } = address;
      return wireOfSocket(connect({ host, port, noDelay: true }), 'connect', events);
    }
    case 'tls':
      return openTls(address, events);
    case 'serial':
      return openSerial(address, events, clock);
  }
}
