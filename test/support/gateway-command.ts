/** A command of the gateway in this process, and what it says. */
import { type Clock, systemClock, systemRandom } from '../../devices/runtime.ts';
import type { CommandContext } from '../../gateway/commands/command.ts';

type Run = (args: readonly string[], context: CommandContext) => Promise<number>;

/** Runs it to its end, beside no terminal; rejects as it does. */
export async function captureGateway(
  run: Run,
  args: readonly string[],
  clock: Clock = systemClock,
): Promise<{ code: number; out: string }> {
  let out = '';
  const code = await run(args, {
    clock,
    random: systemRandom,
    out: (text) => {
      out += text;
    },
    err: () => undefined,
    terminal: false,
    stop: new AbortController().signal,
    onInputEnd: () => undefined,
  });
  return { code, out };
}
