/** Every scenario, by name. */
import { border } from './border/border.ts';
import type { Scenario } from './scenario.ts';

export const scenarios: Readonly<Record<string, Scenario>> = {
  [border.name]: border,
};
