/**
 * Ports that stay a test's own while nobody listens on them. A port that the system gives out
 * (port 0) comes from the range from which every outgoing connection and every other listener is
 * served too: a program that is killed and comes back on it finds it taken once in a while.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const LOWEST = 10_000;

/**
 * A port of 127.0.0.1 on which nobody listens and that the system gives to nobody by itself.
 * Processes beside each other draw from some 20,000.
 */
export async function freePort(): Promise<number> {
  const above = firstGivenOut();
  for (let tries = 0; tries < 100; tries += 1) {
    const port = LOWEST + Math.floor(Math.random() * (above - LOWEST));
    if (await isFree(port)) return port;
  }
  throw new Error(`no port between ${LOWEST} and ${above} is free`);
}

/** Whether this machine lets somebody listen on 127.0.0.1 and this port right now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Where the range begins from which Linux gives ports out (ip_local_port_range). */
function firstGivenOut(): number {
  try {
    const text = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
    const first = Number(text.trim().split(/\s+/)[0]);
    return first > LOWEST + 1_000 ? first : 32_768;
  } catch {
    return 32_768;
  }
}
