/** `bondline-sim run SCENARIO`: all processes of a scenario on this machine, until the end. */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EdgeError } from '../../devices/errors.ts';
import { workerUrl } from '../../devices/io/worker.ts';
import { parseScenarioArguments } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { runScenario } from '../scenarios/run-scenario.ts';
import type { Scenario } from '../scenarios/scenario.ts';

/** Every tenth table is printed where there is no terminal to redraw it on. */
const PRINT_EVERY = 10;

/** Returns 0 when all went well, 1 when something was lost or a site stood still. */
export async function runRun(
  args: readonly string[],
  context: CommandContext,
  scenarios: Readonly<Record<string, Scenario>>,
): Promise<number> {
  const asked = parseScenarioArguments(args);
  const scenario = Object.hasOwn(scenarios, asked.scenario) ? scenarios[asked.scenario] : undefined;
  if (!scenario) throw new EdgeError('SIM_SCENARIO_UNKNOWN', `running scenario ${asked.scenario}`);
  const { clock, random, stop } = context;
  const directory = resolve(asked.directory ?? `var/${scenario.name}`);
  const result = await runScenario({
    scenario,
    directory,
    examples: examplesOf(scenario.name),
    fresh: asked.fresh,
    quiet: asked.json,
    launcher: {
      execPath: context.execPath,
      // The commands that follow one another load the same packages; Node keeps what it compiled.
      environment: { NODE_COMPILE_CACHE: join(directory, 'compiled'), ...context.environment },
      entry: entryOf,
      clock,
      stop,
    },
    clock,
    random,
    stop,
    say: (line) => context.err(`${line}\n`),
    draw: asked.json ? () => undefined : painter(context),
    ...(asked.forSeconds !== undefined && { forSeconds: asked.forSeconds }),
  });
  for (const fault of result.faults) context.err(`${fault}\n`);
  if (result.summary) context.out(`${JSON.stringify(result.summary)}\n`);
  return result.faults.length === 0 ? 0 : 1;
}

/** Shows a table in place on a terminal; elsewhere prints one now and then. */
function painter(context: CommandContext): (lines: readonly string[]) => void {
  let drawn = 0;
  let height = 0;
  return (lines) => {
    const text = `${lines.join('\n')}\n`;
    if (context.terminal) {
      // Up by the height of the table before, and clear to the end of the screen.
      context.err(`${height > 0 ? `\u001b[${height}A\u001b[J` : ''}${text}`);
      height = lines.length;
    } else if (drawn % PRINT_EVERY === 0) {
      context.err(text);
    }
    drawn += 1;
  };
}

/** The entry of another command, beside this one in the source tree or in `dist`. */
function entryOf(command: string): string {
  const below = command === 'wallet' ? 'devices/wallet' : command;
  const name = command === 'sim' ? 'simulators' : below;
  return fileURLToPath(workerUrl(`../../${name}/cli`, import.meta.url));
}

/** The scenario's configurations: `examples/` stands beside the sources, and above `dist`. */
function examplesOf(scenario: string): string {
  const root = import.meta.url.endsWith('.ts') ? '../../' : '../../../';
  return fileURLToPath(new URL(`${root}examples/${scenario}`, import.meta.url));
}
