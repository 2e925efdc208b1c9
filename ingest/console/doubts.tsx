/** What is in doubt: devices in quarantine, and batches that wait for an officer's decision. */
import { useEffect, useState } from 'preact/hooks';
import { askDoubts } from './ask.ts';
import { shortId, timeText } from './format.ts';
import { doubts, twins } from './live.ts';
import { Age, Entry, Table } from './parts.tsx';
import { twinHash } from './route.ts';
import type { Decision, DoubtfulBatch, Doubts, Quarantine, Twin } from './wire.ts';

/** Batches that are drawn; the command lists all of them. */
const SHOWN = 25;

/** Below the list of twins: what waits now, of all devices. */
export function DoubtsSection() {
  const { waiting, doubtful, quarantined } = doubts.value;
  if (waiting + quarantined.length === 0) return null;
  return (
    <section aria-labelledby="doubts-heading">
      <h2 id="doubts-heading">
        In doubt <span class="count">{waiting + quarantined.length}</span>
      </h2>
      <p class="quiet">
        Kept with their bytes, and without effect until an officer accepts them with{' '}
        <code>bondline-ingest accept</code>.
      </p>
      {quarantined.length > 0 && <Quarantines rows={quarantined} />}
      {doubtful.length > 0 && <Batches rows={doubtful} waiting={waiting} />}
    </section>
  );
}

/** On the page of a device: what ever was in doubt, with who decided and when. */
export function DeviceDoubts({ twin }: { twin: Twin }) {
  const [found, setFound] = useState<Doubts | undefined>(undefined);
  useEffect(() => {
    let isCurrent = true;
    const show = (news: Doubts) => {
      if (isCurrent) setFound(news);
    };
    // The next change of the twin asks again; until then what was shown stands.
    askDoubts(twin.uri).then(show, () => undefined);
    return () => {
      isCurrent = false;
    };
  }, [twin.uri, twin.alerts.length, doubts.value.waiting]);
  if (found === undefined || found.doubtful.length + found.quarantined.length === 0) return null;
  return (
    <section aria-labelledby="device-doubts-heading">
      <h2 id="device-doubts-heading">What came in doubt</h2>
      {found.quarantined.length > 0 && <Quarantines rows={found.quarantined} />}
      {found.doubtful.length > 0 && <Batches rows={found.doubtful} />}
    </section>
  );
}

function Quarantines({ rows }: { rows: readonly Quarantine[] }) {
  return (
    <Table name="Quarantine" heads={['Quarantined device', 'Began', 'Why', 'Evidence', 'Decision']}>
      {rows.map(({ device, label, sinceMs, reason, position, supersededBy, ended }) => (
        <tr key={`${device} ${position}`}>
          <th scope="row">
            <Device did={device} label={label} />
          </th>
          <td class="number">
            <Age sinceMs={sinceMs} /> ago
          </td>
          <td>Its key signed two histories: {reason}</td>
          <td>
            <Entry position={position} />
          </td>
          <td>
            {supersededBy !== undefined && (
              <>
                replaced by <code title={supersededBy}>{shortId(supersededBy)}</code>
              </>
            )}
            {ended !== undefined && <Decided one={ended} what="ended" />}
            {supersededBy === undefined && ended === undefined && <Open />}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Batches({ rows, waiting }: { rows: readonly DoubtfulBatch[]; waiting?: number }) {
  const more = Math.max(waiting ?? rows.length, rows.length) - SHOWN;
  return (
    <>
      <Table
        name="Doubtful batches"
        heads={['Doubtful batch', 'Place in history', 'Received', 'Why', 'Evidence', 'Decision']}
      >
        {rows.slice(0, SHOWN).map((one) => (
          <tr key={one.position}>
            <th scope="row">
              <Device did={one.device} label={one.label} />
            </th>
            <td>
              epoch {one.epoch}, sequence {one.sequence}
            </td>
            <td class="number">
              <Age sinceMs={one.receivedMs} /> ago
            </td>
            <td>
              {one.reason} <span class="second">{one.code}</span>
            </td>
            <td>
              <Entry position={one.position} />
            </td>
            <td>
              {one.accepted === undefined ? (
                <Open />
              ) : (
                <Decided one={one.accepted} what="accepted" />
              )}
            </td>
          </tr>
        ))}
      </Table>
      {more > 0 && (
        <p class="quiet">
          And {more.toLocaleString('en-US')} more; <code>bondline-ingest doubts</code> lists them.
        </p>
      )}
    </>
  );
}

function Device({ did, label }: { did: string; label: string }) {
  const twin = [...twins.value.values()].find(({ kind, uri }) => kind === 'device' && uri === did);
  const name = label === '' ? shortId(did) : label;
  return (
    <>
      {twin === undefined ? name : <a href={twinHash(twin.id)}>{name}</a>}
      <code class="second" title={did}>
        {shortId(did)}
      </code>
    </>
  );
}

function Open() {
  return (
    <>
      <span aria-hidden="true">▲</span> waits for an officer
    </>
  );
}

function Decided({ one, what }: { one: Decision; what: string }) {
  const { atMs, officer, reason, under, position } = one;
  return (
    <>
      {under === undefined ? `${what} by ${officer}` : `${what}: chained under log ${under}`}
      {reason !== undefined && `, “${reason}”`}
      <span class="second">
        {timeText(atMs)}, <Entry position={position} />
      </span>
    </>
  );
}
