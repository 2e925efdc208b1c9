/** What a driver is opened with in tests: the real clock, and a log whose lines can be counted. */
import { createLog, systemClock, systemRandom } from '../../devices/runtime.ts';
import type { DriverContext } from '../../gateway/driver.ts';

export interface TestContext extends DriverContext {
  /** Every line that was logged at `warn` or above, or at `info`. */
  readonly lines: string[];
}

/** A context for a device called `device`. */
export function driverContext(
  device = 'fc-1',
  overrides: Partial<DriverContext> = {},
): TestContext {
  const lines: string[] = [];
  const clock = overrides.clock ?? systemClock;
  const log = createLog({
    component: 'test',
    level: 'info',
    clock,
    write: (line) => lines.push(line),
  });
  return {
    clock,
    random: systemRandom,
    log,
    gateway: 'did:key:zDnaeTestGateway',
    device,
    dataDirectory: '/nonexistent',
    ...overrides,
    lines,
  };
}

/** Resolves when `done()` is true; fails loudly when that takes longer than `withinMs`. */
export async function until(done: () => boolean, withinMs = 20_000): Promise<void> {
  const startMs = performance.now();
  while (!done()) {
    if (performance.now() - startMs > withinMs) throw new Error(`waited ${withinMs} ms in vain`);
    // Not a busy loop: what is waited for may be another process on the same two cores.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
