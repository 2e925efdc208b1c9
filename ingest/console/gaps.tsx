/** What is missing in a device's history: batches, and when the ones beside them were closed. */
import { timeText } from './format.ts';
import { Table } from './parts.tsx';
import type { Gap, Twin } from './wire.ts';

export function Gaps({ twin: { gaps = [] } }: { twin: Twin }) {
  if (gaps.length === 0) return null;
  return (
    <section aria-labelledby="gaps-heading">
      <h2 id="gaps-heading">
        Missing batches <span class="count">{gaps.length}</span>
      </h2>
      <Table name="Missing batches" heads={['Missing', 'Closed after', 'Closed before']}>
        {gaps.map((gap) => (
          <tr key={`${gap.epoch} ${gap.from}`}>
            <th scope="row">{nameOf(gap)}</th>
            <td class="number">{timeOf(gap.afterMs)}</td>
            <td class="number">{timeOf(gap.beforeMs)}</td>
          </tr>
        ))}
      </Table>
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
