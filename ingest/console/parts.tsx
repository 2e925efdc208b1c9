/** Small parts that several pages show the same way. */
import type { ComponentChildren } from 'preact';
import { ageText, keyNames, timeText } from './format.ts';
import { nowMs } from './live.ts';
import type { Alert, Check, Twin } from './wire.ts';

/** Time since an instant, going on by itself; the instant itself is in the tooltip. */
export function Age({ sinceMs }: { sinceMs: number }) {
  if (sinceMs === 0) return <span class="quiet">never</span>;
  return (
    <time dateTime={new Date(sinceMs).toISOString()} title={timeText(sinceMs)}>
      {ageText(nowMs.value - sinceMs)}
    </time>
  );
}

/** When something last happened to a twin: a reading, or else what a party signed came in. */
export function newsMs({ observedMs, receivedMs }: Twin): number {
  return observedMs === 0 ? receivedMs : observedMs;
}

/** What the statements of a twin rest on: all were verified, but keys are not equally safe. */
export function ProofBadge({ twin }: { twin: Twin }) {
  const { keyLocation } = twin;
  if (keyLocation === undefined && isOfParties(twin)) {
    return (
      <span class="badge badge-file" title="No device reports on it; what is shown, parties signed">
        <span aria-hidden="true">◇</span> signed papers
      </span>
    );
  }
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

/** Whether parties signed something that the twin shows. */
function isOfParties({ attributes, control }: Twin): boolean {
  return [...Object.values(attributes), ...Object.values(control)].some(
    ({ basis }) => basis === 'declared',
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

/** A table with a name for those who do not see it; it scrolls within itself where it is wide. */
export function Table(props: {
  name: string;
  heads: readonly string[];
  children: ComponentChildren;
}) {
  return (
    <section class="table-frame doubts" aria-label={props.name}>
      <table>
        <caption class="hidden">{props.name}</caption>
        <thead>
          <tr>
            {props.heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </section>
  );
}

/** The way to an entry of the journal. */
export function Entry({ position }: { position: number }) {
  return (
    <a href={`./api/entries/${position}`} target="_blank" rel="noreferrer">
      log {position}
    </a>
  );
}
