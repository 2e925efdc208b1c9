/** Every alert rule. */
import type { Rule } from '../rule.ts';
import { calibration } from './calibration.ts';
import { clock } from './clock.ts';
import { cloned } from './cloned.ts';
import { custody } from './custody.ts';
import { doubtful } from './doubtful.ts';
import { fork } from './fork.ts';
import { gap } from './gap.ts';
import { lost } from './lost.ts';
import { outOfScope } from './out-of-scope.ts';
import { quarantine } from './quarantine.ts';
import { refused } from './refused.ts';
import { rollback } from './rollback.ts';
import { silent } from './silent.ts';
import { stale } from './stale.ts';
import { temperatureExcursion } from './temp-exc.ts';

/** In the order in which a twin shows its alerts; the gravest first. */
export const rules: readonly Rule[] = [
  fork,
  cloned,
  quarantine,
  custody,
  temperatureExcursion,
  outOfScope,
  doubtful,
  rollback,
  refused,
  gap,
  silent,
  lost,
  stale,
  clock,
  calibration,
];
