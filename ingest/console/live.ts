/**
 * The console's state: twins as the live feed says, the connection, the time. Changes are shown a
 * few times a second however fast they come.
 */
import { batch, computed, signal } from '@preact/signals';
import { askDoubts, askHeld, askKinds, askStatus, askTwins } from './ask.ts';
import type { Doubts, HeldDevice, KindInfo, Status, Twin } from './wire.ts';

const SHOW_MS = 200;
const POLL_MS = 2_000;
const RETRY_MS = 2_000;

export type Connection = 'connecting' | 'live' | 'lost';

export const twins = signal<ReadonlyMap<string, Twin>>(new Map());
export const kinds = signal<readonly KindInfo[]>([]);
export const status = signal<Status | undefined>(undefined);
export const held = signal<readonly HeldDevice[]>([]);
export const doubts = signal<Doubts>({ waiting: 0, doubtful: [], quarantined: [] });
export const connection = signal<Connection>('connecting');
/** When the connection was lost, by the ingester's clock. */
export const lostSinceMs = signal(0);
/** The ingester's time, every second. */
export const nowMs = signal(Date.now());
/** The last thing that a screen reader should say. */
export const announcement = signal('');

/** Open alerts over all twins. */
export const alertCount = computed(() => {
  let count = 0;
  for (const twin of twins.value.values()) count += twin.alerts.length;
  return count;
});

/** The ingester's clock minus this browser's. */
let clockOffsetMs = 0;
/** Position before which everything is known. */
let position = 0;
let pending = new Map<string, Twin>();
let showing = false;

/** Starts once; resolves when the first list is there or the first attempt failed. */
export async function start(): Promise<void> {
  setInterval(() => {
    nowMs.value = Date.now() + clockOffsetMs;
  }, 1_000);
  setInterval(() => void poll(), POLL_MS);
  await Promise.all([poll(), connect()]);
}

async function poll(): Promise<void> {
  try {
    const [newStatus, newHeld, newDoubts] = await Promise.all([
      askStatus(),
      askHeld(),
      askDoubts(),
    ]);
    clockOffsetMs = newStatus.timeMs - Date.now();
    batch(() => {
      status.value = newStatus;
      held.value = newHeld;
      doubts.value = newDoubts;
      nowMs.value = newStatus.timeMs;
    });
  } catch {
    // The connection's own state says that the ingester is gone.
  }
}

/** Reads the whole list, then follows the changes from its position on. */
async function connect(): Promise<void> {
  try {
    if (kinds.value.length === 0) kinds.value = await askKinds();
    const all = new Map<string, Twin>();
    let first: number | undefined;
    for (let after: string | undefined; ; ) {
      const page = await askTwins(after);
      first ??= page.position;
      for (const twin of page.twins) all.set(twin.id, twin);
      after = page.next;
      if (after === undefined) break;
    }
    position = first ?? 0;
    twins.value = all;
    follow();
  } catch {
    lose();
    setTimeout(() => void connect(), RETRY_MS);
  }
}

function follow(): void {
  // The browser reconnects by itself and names the last position that was complete.
  const events = new EventSource(`./events?after=${position}`);
  events.addEventListener('open', () => {
    connection.value = 'live';
  });
  events.addEventListener('twin', (event: MessageEvent<string>) => {
    const twin = JSON.parse(event.data) as Twin;
    pending.set(twin.id, twin);
    if (showing) return;
    showing = true;
    setTimeout(show, SHOW_MS);
  });
  events.addEventListener('position', (event: MessageEvent<string>) => {
    position = Number(event.data);
  });
  events.addEventListener('error', () => {
    lose();
    if (events.readyState !== EventSource.CLOSED) return;
    events.close();
    setTimeout(() => void connect(), RETRY_MS);
  });
}

function lose(): void {
  if (connection.value !== 'lost') lostSinceMs.value = Date.now() + clockOffsetMs;
  connection.value = 'lost';
}

/** Shows what came since the last time; an older state never replaces a newer one. */
function show(): void {
  showing = false;
  const next = new Map(twins.value);
  const news: string[] = [];
  for (const twin of pending.values()) {
    const before = next.get(twin.id);
    if (before !== undefined && before.position > twin.position) continue;
    const known = new Set(before?.alerts.map(({ code }) => code));
    for (const { code, text } of twin.alerts) {
      if (!known.has(code)) news.push(`${code} on ${twin.label}: ${text}`);
    }
    next.set(twin.id, twin);
  }
  pending = new Map();
  batch(() => {
    twins.value = next;
    nowMs.value = Date.now() + clockOffsetMs;
    if (news.length > 0) announcement.value = news.slice(0, 3).join(' ');
  });
}
