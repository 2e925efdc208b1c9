/** What is missing or waits on a twin: gaps in a device's history, pending steps of custody. */
import { timeText } from './format.ts';
import { Age } from './parts.tsx';
import type { Gap, PendingStep, Twin } from './wire.ts';

export function Missing({ twin }: { twin: Twin }) {
  const { gaps = [], pending = [] } = twin;
  return (
    <>
      {gaps.length > 0 && <Gaps gaps={gaps} />}
      {pending.length > 0 && <Pending steps={pending} />}
    </>
  );
}

function Gaps({ gaps }: { gaps: readonly Gap[] }) {
  return (
    <section aria-labelledby="gaps-heading">
      <h2 id="gaps-heading">
        Missing batches <span class="count">{gaps.length}</span>
      </h2>
      <div class="table-frame doubts">
        <table>
          <thead>
            <tr>
              <th scope="col">Missing</th>
              <th scope="col">Closed after</th>
              <th scope="col">Closed before</th>
            </tr>
          </thead>
          <tbody>
            {gaps.map((gap) => (
              <tr key={`${gap.epoch} ${gap.from}`}>
                <th scope="row">{nameOf(gap)}</th>
                <td class="number">{timeOf(gap.afterMs)}</td>
                <td class="number">{timeOf(gap.beforeMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function nameOf({ epoch, from, to, some }: Gap): string {
  if (from === undefined || to === undefined) return `the end of epoch ${epoch}`;
  const which = from === to ? `sequence ${from}` : `sequences ${from} to ${to}`;
  return `epoch ${epoch}, ${some ? 'some of ' : ''}${which}`;
}

function timeOf(timeMs: number | undefined): string {
  return timeMs === undefined ? 'not known' : timeText(timeMs);
}

function Pending({ steps }: { steps: readonly PendingStep[] }) {
  return (
    <section aria-labelledby="pending-heading">
      <h2 id="pending-heading">
        Pending custody <span class="count">{steps.length}</span>
      </h2>
      <p class="quiet">
        The status lists of the signers were too old to be believed. Each step counts at its place,
        or not at all, once they are fresh.
      </p>
      <ul>
        {steps.map(({ act, from, to, atMs, position }) => (
          <li key={position}>
            {act} by {from} to {to}, <Age sinceMs={atMs} /> ago;{' '}
            <a href={`./api/entries/${position}`} target="_blank" rel="noreferrer">
              log {position}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
