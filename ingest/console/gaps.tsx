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
      <Table name="Missing batches" heads={['Missing', 'Why', 'Closed after', 'Closed before']}>
        {gaps.map((gap) => (
          <tr key={`${gap.epoch} ${gap.from} ${gap.cause}`}>
            <th scope="row">{nameOf(gap)}</th>
            <td>{whyOf(gap)}</td>
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

/** What the device signed of batches that will not come; an open gap is one of which nobody did. */
const CAUSES: Readonly<Record<string, string>> = {
  'given-way': 'Signed as lost: gave way to newer ones, the gateway’s store was full',
  thinned: 'Signed: aggregates took their place, the gateway’s store was full',
  damaged: 'Signed as lost: damaged on the gateway’s disk',
};

function whyOf({ cause }: Gap): string {
  if (cause === undefined) return 'Not known';
  return CAUSES[cause] ?? `Signed as lost: ${cause}`;
}

function timeOf(timeMs: number | undefined): string {
  return timeMs === undefined ? 'not known' : timeText(timeMs);
}
