/** Runs the rules over a twin's state: which alerts are open, and when time alone changes that. */
import type { FoldPlugins } from './fold.ts';
import type { TwinState } from './fold-state.ts';
import type { Alert } from './twin.ts';

/** The alerts that are open at `nowMs` (the time of the last tick), in the order of the rules. */
export function openAlerts(state: TwinState, { rules }: FoldPlugins, nowMs: number): Alert[] {
  const alerts: Alert[] = [];
  for (const { kinds, code, name, version, evaluate } of rules) {
    if (!kinds.includes(state.kind)) continue;
    const finding = evaluate(state, nowMs);
    if (finding !== undefined) alerts.push({ code, rule: name, version, ...finding });
  }
  return alerts;
}

/** The next instant after `nowMs` at which an alert opens or closes without a new entry. */
export function nextDeadline(
  state: TwinState,
  { rules }: FoldPlugins,
  nowMs: number,
): number | undefined {
  let next: number | undefined;
  for (const rule of rules) {
    if (!rule.kinds.includes(state.kind)) continue;
    for (const deadline of rule.deadlines?.(state) ?? []) {
      if (deadline > nowMs && (next === undefined || deadline < next)) next = deadline;
    }
  }
  return next;
}
