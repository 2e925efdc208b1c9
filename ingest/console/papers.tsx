/** What parties signed of goods: who handed them to whom, and their papers with what was wrong. */
import { useEffect, useState } from 'preact/hooks';
import { askPapers } from './ask.ts';
import { timeText, unitOf } from './format.ts';
import { Age, Entry, Table } from './parts.tsx';
import type { PaperRow, Papers as PapersOf, StepRow, Twin } from './wire.ts';

export function Papers({ twin }: { twin: Twin }) {
  const [found, setFound] = useState<PapersOf | undefined>(undefined);
  // Telemetry comes every second and changes no paper; these do change with one.
  const signed = JSON.stringify([
    twin.pending,
    twin.control,
    Object.values(twin.attributes)
      .filter(({ basis }) => basis === 'declared')
      .map(({ source, status }) => [source.position, status]),
    twin.alerts.map(({ evidence }) => evidence),
  ]);
  useEffect(() => {
    let isCurrent = true;
    const show = (news: PapersOf) => {
      if (isCurrent) setFound(news);
    };
    // The next change of the twin asks again; until then what was shown stands.
    askPapers(twin.id).then(show, () => undefined);
    return () => {
      isCurrent = false;
    };
  }, [twin.id, signed]);
  if (found === undefined) return null;
  const { steps, papers } = found;
  return (
    <>
      {steps.length > 0 && <Steps steps={steps} />}
      {papers.length > 0 && <PaperTable papers={papers} />}
    </>
  );
}

function Steps({ steps }: { steps: readonly StepRow[] }) {
  const isPending = steps.some(({ state }) => state === 'pending');
  return (
    <section aria-labelledby="steps-heading">
      <h2 id="steps-heading">
        Handed over <span class="count">{steps.length}</span>
      </h2>
      {isPending && (
        <p class="quiet">
          A pending step keeps its place. It counts, or never did, once the status lists of its
          signers are found again; until then an officer may decide with{' '}
          <code>bondline-ingest custody CONFIG take|void POSITION</code>.
        </p>
      )}
      <Table name="Steps of custody" heads={['From', 'To', 'When', 'Goods', 'State', 'Evidence']}>
        {[...steps].reverse().map((step) => (
          <tr key={step.position}>
            <th scope="row" title={step.from.id}>
              {step.from.name}
            </th>
            <td title={step.to.id}>
              {step.to.name}
              {step.right === 'ownership' && <span class="second">as owner</span>}
            </td>
            <td class="number" title={timeText(step.atMs)}>
              <Age sinceMs={step.atMs} /> ago
            </td>
            <td>
              {step.quantity === undefined
                ? 'as a whole'
                : `${step.quantity.value}\u00a0${unitOf(step.quantity.unit)}`}
              {step.seals.length > 0 && <span class="second">seals {step.seals.join(', ')}</span>}
            </td>
            <td>
              <State step={step} />
            </td>
            <td>
              <Entry position={step.position} />
            </td>
          </tr>
        ))}
      </Table>
    </section>
  );
}

const MISSING = {
  transfer: 'the step before it is not here, or its releaser does not hold the goods',
  release: 'its acceptance is not here yet',
  acceptance: 'its release, or the step before it, is not here yet',
} as const;

function State({ step: { state, act, resolved } }: { step: StepRow }) {
  if (state === 'waiting') {
    return (
      <>
        <span aria-hidden="true">…</span> waits
        <span class="second">{MISSING[act]}</span>
      </>
    );
  }
  if (state === 'pending') {
    return (
      <>
        <span aria-hidden="true">▲</span> pending
        <span class="second">the status lists of its signers were too old to be believed</span>
      </>
    );
  }
  return (
    <>
      <span aria-hidden="true">✓</span> counts
      {resolved !== undefined && (
        <span class="second">
          was pending; {resolved.officer === undefined ? '' : `${resolved.officer}: `}
          {resolved.reason}, {timeText(resolved.atMs)}, <Entry position={resolved.position} />
        </span>
      )}
    </>
  );
}

/** The codes of the Core Business Vocabulary in words. */
const REASONS: Readonly<Record<string, string>> = {
  incorrect_data: 'its data were wrong',
  did_not_occur: 'it did not happen',
};

function PaperTable({ papers }: { papers: readonly PaperRow[] }) {
  return (
    <section aria-labelledby="papers-heading">
      <h2 id="papers-heading">
        Papers <span class="count">{papers.length}</span>
      </h2>
      <Table name="Papers" heads={['Paper', 'Says', 'Signed by', 'Dated', 'State', 'Evidence']}>
        {papers.map((paper) => (
          <tr key={paper.position} class={paper.corrected === undefined ? '' : 'corrected'}>
            <th scope="row">{paper.name}</th>
            <td>{paper.corrected === undefined ? paper.title : <del>{paper.title}</del>}</td>
            <td title={paper.issuer.id}>{paper.issuer.name}</td>
            <td class="number" title={timeText(paper.atMs)}>
              <Age sinceMs={paper.atMs} /> ago
            </td>
            <td>
              <PaperState paper={paper} />
            </td>
            <td>
              <Entry position={paper.position} />
            </td>
          </tr>
        ))}
      </Table>
    </section>
  );
}

function PaperState({ paper: { corrected, standing, untilMs } }: { paper: PaperRow }) {
  return (
    <>
      {corrected === undefined ? (
        <>
          <span aria-hidden="true">✓</span> stands
        </>
      ) : (
        <span class="caveat">
          <span aria-hidden="true">✗</span> corrected by its signer:{' '}
          {REASONS[corrected.reason] ?? corrected.reason}, <Entry position={corrected.position} />
        </span>
      )}
      {untilMs !== undefined && <span class="second">until {timeText(untilMs)}</span>}
      {standing !== undefined && <span class="second caveat">▲ status not known at the time</span>}
    </>
  );
}
