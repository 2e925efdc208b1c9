/**
 * A thread that keeps many connections open which nobody should open, and opens another one for
 * each that is ended. Told `stop`, it resets them all.
 */
import { connect, type Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { type Manner, manners, type RudeOrder, type RudeReport } from './rude-manners.ts';

const { count, ports } = workerData as RudeOrder;
/** How often it opens those that are missing, at most so many: 400 a second. */
const TICK_MS = 10;
const AT_A_TIME = 4;
/** In each of so many ticks one comes that will not last. */
const BRIEF_TICKS = 5;
/**
 * Slow ones send a byte in one of so many ticks, each in its own; resets come as long after
 * opening.
 */
const DRIP_TICKS = 50;
/** How often it tells how far it is, ticks. */
const TELL_TICKS = 10;

const lasting = manners.filter(({ isBrief }) => !isBrief);
const brief = manners.filter(({ isBrief }) => isBrief);

const open = new Map<Socket, Manner>();
/** Those that send a byte in the same tick. */
const dripping = Array.from({ length: DRIP_TICKS }, () => new Map<Socket, Buffer>());
const endedByOther: Record<string, number> = {};
const report: RudeReport = { opened: 0, open: 0, atOnce: 0, endedByOther };
let isStopped = false;
let connecting = 0;
let ticks = 0;

function strike(manner: Manner): void {
  const { drip, first, leaves, name, to } = manner;
  const together = dripping[report.opened % DRIP_TICKS];
  const socket = connect({ host: '127.0.0.1', port: ports[to], allowHalfOpen: true });
  let isOwn = false;
  connecting += 1;
  socket.on('error', () => undefined);
  socket.resume();
  socket.once('connect', () => {
    connecting -= 1;
    if (isStopped) socket.resetAndDestroy();
    open.set(socket, manner);
    report.opened += 1;
    report.atOnce = Math.max(report.atOnce, open.size);
    if (first) socket.write(first);
    if (drip) together?.set(socket, drip);
    if (leaves === 'end') socket.end();
    if (leaves !== 'reset') return;
    setTimeout(() => {
      isOwn = true;
      socket.resetAndDestroy();
    }, DRIP_TICKS * TICK_MS);
  });
  // What the other end has ended is gone, although this end could go on.
  socket.once('end', () => socket.destroy());
  socket.once('close', () => {
    together?.delete(socket);
    if (!open.delete(socket)) connecting -= 1;
    else if (!isOwn) endedByOther[name] = (endedByOther[name] ?? 0) + 1;
  });
}

const ticking = setInterval(() => {
  ticks += 1;
  if (ticks % BRIEF_TICKS === 0) strike(brief[(ticks / BRIEF_TICKS) % brief.length] as Manner);
  const missing = Math.min(count - open.size - connecting, AT_A_TIME);
  for (let at = 0; at < missing; at += 1) {
    strike(lasting[(ticks * AT_A_TIME + at) % lasting.length] as Manner);
  }
  report.open = open.size;
  if (ticks % TELL_TICKS === 0) parentPort?.postMessage(report);
  for (const [socket, drip] of dripping[ticks % DRIP_TICKS] ?? []) {
    if (socket.writable) socket.write(drip);
  }
}, TICK_MS);

parentPort?.once('message', () => {
  isStopped = true;
  clearInterval(ticking);
  for (const socket of open.keys()) socket.resetAndDestroy();
});
