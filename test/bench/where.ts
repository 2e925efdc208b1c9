/** Where the processor time of a run goes: samples of the engine, told apart by whose code ran. */
import { Session } from 'node:inspector/promises';

/** Whose time it is; `kernel and engine` is what Node itself does in C++ and in system calls. */
export const spenders = [
  'driver',
  'modbus-serial',
  'Node',
  'kernel and engine',
  'collector',
  'bench',
] as const;

export type Spender = (typeof spenders)[number];

/** Runs `work` and returns each one's share of its time, 0 to 1; idle time is nobody's. */
export async function whereTimeGoes(
  work: () => Promise<unknown>,
): Promise<Readonly<Record<Spender, number>>> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 200 });
    await session.post('Profiler.start');
    await work();
    const { profile } = await session.post('Profiler.stop');
    const frames = new Map(profile.nodes.map(({ callFrame, id }) => [id, callFrame]));
    const spent = { ...none };
    for (const [index, id] of (profile.samples ?? []).entries()) {
      const frame = frames.get(id);
      if (frame === undefined || frame.functionName === '(idle)') continue;
      spent[spenderOf(frame)] += profile.timeDeltas?.[index] ?? 0;
    }
    const sum = Object.values(spent).reduce((a, b) => a + b, 0);
    for (const spender of spenders) spent[spender] /= sum;
    return spent;
  } finally {
    session.disconnect();
  }
}

const none: Readonly<Record<Spender, number>> = {
  driver: 0,
  'modbus-serial': 0,
  Node: 0,
  'kernel and engine': 0,
  collector: 0,
  bench: 0,
};

function spenderOf(frame: { readonly functionName: string; readonly url: string }): Spender {
  const { functionName, url } = frame;
  if (functionName === '(garbage collector)') return 'collector';
  if (url === '') return 'kernel and engine';
  if (url.startsWith('node:')) return 'Node';
  if (url.includes('/modbus-serial/')) return 'modbus-serial';
  return /\/(gateway|devices)\//.test(url) ? 'driver' : 'bench';
}
