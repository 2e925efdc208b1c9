/** Small parts that several pages show the same way. */
import type { ComponentChildren } from 'preact';
import { ageText, keyNames, timeText } from './format.ts';
import { nowMs } from './live.ts';
import type { Alert, Check, KeyLocation } from './wire.ts';

/** Time since an instant, going on by itself; the instant itself is in the tooltip. */
export function Age({ sinceMs }: { sinceMs: number }) {
  if (sinceMs === 0) return <span class="quiet">never</span>;
  return (
    <time dateTime={new Date(sinceMs).toISOString()} title={timeText(sinceMs)}>
      {ageText(nowMs.value - sinceMs)}
    </time>
  );
}

/** What the statements of a twin rest on: all were verified, but keys are not equally safe. */
export function ProofBadge({ keyLocation }: { keyLocation: KeyLocation | undefined }) {
  if (keyLocation === undefined) return <span class="badge badge-none">– no proof</span>;
  const strong = keyLocation !== 'gateway-file';
  return (
    <span
      class={strong ? 'badge badge-good' : 'badge badge-file'}
      title={`Every value was signed and verified; the key lives ${keyNames[keyLocation]}`}
    >
      <span aria-hidden="true">{strong ? '◆' : '◇'}</span> verified
      <span class="badge-more">, key {keyNames[keyLocation]}</span>
    </span>
  );
}

const SHAPES = { notice: '●', warning: '▲', critical: '■' } as const;

export function AlertBadge({ alert }: { alert: Alert }) {
  return (
    <span class={`alert alert-${alert.severity}`} title={alert.text}>
      <span aria-hidden="true">{SHAPES[alert.severity]}</span> {alert.code}
      <span class="hidden"> ({alert.severity})</span>
    </span>
  );
}

export function Checks({ checks }: { checks: readonly Check[] }) {
  return (
    <ul class="checks">
      {checks.map(({ text, ok }) => (
        <li key={text} class={ok ? 'check-ok' : 'check-failed'}>
          <span aria-hidden="true">{ok ? '✓' : '✗'}</span>
          <span class="hidden">{ok ? 'holds: ' : 'FAILS: '}</span> {text}
        </li>
      ))}
    </ul>
  );
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
