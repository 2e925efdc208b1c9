/** A wire, and how a socket is one. */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { networkWords } from '../network-words.ts';

/** A stream of bytes to a device. */
export interface Wire {
  write(bytes: Buffer): void;
  /** Ends it at once: whatever was still to come is never read. `onClose` still follows. */
  destroy(): void;
  /** Secured wires that are open: the certificate that the device showed. */
  shown?(): X509Certificate | undefined;
}

export interface WireEvents {
  readonly onOpen: () => void;
  readonly onData: (chunk: Buffer) => void;
  /** Called once, for the reason given; also after a failed opening. */
  readonly onClose: (reason: string) => void;
}

const KEEP_ALIVE_MS = 30_000;
const SETTLED = Promise.resolve();

/** The wire of a socket that is being connected; `opened` is the event that says it is. */
export function wireOfSocket(
  socket: Socket,
  opened: 'connect' | 'secureConnect',
  events: WireEvents,
): Wire {
  let reason = 'closed by the device';
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.on(opened, events.onOpen);
  socket.on('data', events.onData);
  socket.on('error', (error: NodeJS.ErrnoException) => {
    reason = reasonOf(error);
  });
  socket.on('close', () => events.onClose(reason));
  let isCorked = false;
  const flush = () => {
    isCorked = false;
    socket.uncork();
  };
  return {
    write(bytes) {
      // Requests that are asked in the same turn of the loop leave in one packet.
      if (!isCorked) {
        isCorked = true;
        socket.cork();
        // For less than half of what queueMicrotask costs.
        void SETTLED.then(flush);
      }
      socket.write(bytes);
    },
    destroy: () => void socket.destroy(),
  };
}

/** An error as a sentence for an operator, with the system's code at its end. */
export function reasonOf(error: NodeJS.ErrnoException): string {
  const { code, message } = error;
  if (code === undefined) return message;
  return (
    networkWords(code, 'the device') ?? (message.includes(code) ? message : `${message} (${code})`)
  );
}
