/** The orderly end of a gateway that has handed over everything, for all suites of faults. */
import type { RunningCommand } from '../support/commands.ts';

/** Beyond its drain a gateway ends within this, also on a machine that has much to do. */
const STOP_MS = 20_000;

/**
 * Ends a gateway that was started with `--drain` of so many seconds, and waits until it has.
 * Returns a sentence for each thing that is not as it should be: its exit code, and readings that
 * still wait.
 */
export async function endGateway(gateway: RunningCommand, drainS: number): Promise<string[]> {
  gateway.child.kill('SIGTERM');
  const timer = setTimeout(() => gateway.child.kill('SIGKILL'), 1_000 * drainS + STOP_MS);
  const code = await gateway.exited;
  clearTimeout(timer);
  const waiting = gateway.lines.at(-1)?.['waiting'];
  return [
    ...(code === 0 ? [] : [`the gateway ended with ${code}: ${gateway.said}`]),
    ...(waiting === 0 ? [] : [`${String(waiting)} readings still waited at the end`]),
  ];
}
