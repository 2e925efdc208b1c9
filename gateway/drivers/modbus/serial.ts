/** A wire on a serial port. The package is loaded when the first port is opened. */
import { existsSync } from 'node:fs';
import type { Clock } from '../../../devices/runtime.ts';
import { reasonOf, type Wire, type WireEvents } from './socket.ts';

/**
 * A port that is pulled in the middle of a read says nothing more: Linux answers each further read
 * with no bytes, and the package reads again at once, for ever. So its file is looked at.
 */
const LOOK_MS = 500;

export interface SerialAddress {
  readonly kind: 'serial';
  /** Path of the device file. */
  readonly path: string;
  readonly baudRate: number;
  readonly dataBits: number;
  readonly parity: 'none' | 'even' | 'odd';
  readonly stopBits: number;
}

/** Opens the port for us alone, and throws away what stood in its buffers. */
export function openSerial(address: SerialAddress, events: WireEvents, clock: Clock): Wire {
  const { baudRate, parity, path } = address;
  let isDestroyed = false;
  let isClosed = false;
  let write: (bytes: Buffer) => void = () => undefined;
  let end: () => void = () => undefined;
  let cancelLook: () => void = () => undefined;
  const onClose = (reason: string) => {
    if (isClosed) return;
    isClosed = true;
    cancelLook();
    events.onClose(reason);
  };
  const look = () => {
    cancelLook = clock.after(LOOK_MS, () => {
      if (existsSync(path)) return look();
      onClose('the port is gone');
      end();
    });
  };
  void (async () => {
    try {
      const { SerialPort } = await import('serialport');
      if (isDestroyed) return onClose('closed');
      const dataBits = address.dataBits === 7 ? 7 : 8;
      const stopBits = address.stopBits === 2 ? 2 : 1;
      const port = new SerialPort({
        path,
        baudRate,
        dataBits,
        parity,
        stopBits,
        lock: true,
        autoOpen: false,
      });
      end = () => {
        if (port.isOpen) port.close();
      };
      write = (bytes) => void port.write(bytes);
      port.on('data', (chunk: Buffer) => {
        if (!isDestroyed) events.onData(chunk);
      });
      port.on('error', (error) => onClose(reasonOf(error)));
      port.on('close', (error: Error | null) => onClose(error?.message ?? 'closed'));
      port.open((error) => {
        if (error) return onClose(error.message);
        if (isDestroyed) return end();
        // Not every system names its ports by a file.
        if (existsSync(path)) look();
        port.flush(() => {
          if (!isDestroyed) events.onOpen();
        });
      });
    } catch (error) {
      onClose(reasonOf(error as NodeJS.ErrnoException));
    }
  })();
  return {
    write: (bytes) => write(bytes),
    destroy() {
      isDestroyed = true;
      end();
    },
  };
}
