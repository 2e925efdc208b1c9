/** Verifies the chain behind a value in this browser, and says what that rests on. */
import { useEffect, useState } from 'preact/hooks';
import { askEvidence, evidencePath } from './ask.ts';
import { timeText } from './format.ts';
import { Fact } from './parts.tsx';
import type { BrowserVerdict, LinkVerdict, Shown, ShownReading } from './verify/verifier.ts';
import type { Proof } from './wire.ts';

type State = { readonly verdict: BrowserVerdict } | { readonly error: string } | undefined;

export function VerifiedHere({ proof }: { proof: Proof }) {
  /** Texts of the documents that the officer brought; of a file that cannot be read, nothing. */
  const [own, setOwn] = useState<readonly string[]>();
  const [state, setState] = useState<State>();
  useEffect(() => {
    let isWanted = true;
    const say = (next: State) => {
      if (isWanted) setState(next);
    };
    say(undefined);
    verify(proof, own).then(
      (verdict) => say({ verdict }),
      (error: unknown) => say({ error: error instanceof Error ? error.message : String(error) }),
    );
    return () => {
      isWanted = false;
    };
  }, [proof, own]);
  return (
    <div class="here">
      {state === undefined && <p class="quiet">Verifying in this browser…</p>}
      {state !== undefined && 'error' in state && (
        <p class="verdict verdict-failed">
          <span aria-hidden="true">✗</span> Not verified in this browser: {state.error}
        </p>
      )}
      {state !== undefined && 'verdict' in state && (
        <Verdict verdict={state.verdict} proof={proof} />
      )}
      <div class="own">
        <label>
          {proof.paper !== undefined && proof.paper.signers.length > 1
            ? 'Rely on your own copies of the DID documents of all who signed'
            : 'Rely on your own copy of the organisation’s DID document'}{' '}
          <input
            type="file"
            accept=".json,application/json"
            multiple={(proof.paper?.signers.length ?? 1) > 1}
            onChange={({ currentTarget: { files } }) => {
              const chosen = [...(files ?? [])];
              if (chosen.length === 0) setOwn(undefined);
              else Promise.all(chosen.map((file) => file.text())).then(setOwn, () => setOwn(['']));
            }}
          />
        </label>
        <a href={evidencePath(proof)} download={`evidence-${proof.credential.position}.json`}>
          Download the evidence
        </a>
      </div>
    </div>
  );
}

/** The code that verifies is large, and only a proof needs it. */
async function verify(
  proof: Proof,
  ownDocuments: readonly string[] | undefined,
): Promise<BrowserVerdict> {
  const [evidence, { verifyEvidence }] = await Promise.all([
    askEvidence(proof),
    import('./verify/verifier.ts'),
  ]);
  const own = ownDocuments === undefined ? {} : { ownDocuments };
  return verifyEvidence({ evidence, ...own, shown: shownBy(proof), atMs: Date.now() });
}

/** What the page shows of the chain, to be found in the signed bytes. */
function shownBy({ credential, enrolment, reading, sample, statement }: Proof): Shown {
  const tokens = [credential.token, ...(enrolment === undefined ? [] : [enrolment.token])];
  if (sample !== undefined) {
    const { element, readings } = sample;
    return { tokens, readings: readings.map((one, report) => ({ ...one, element, report })) };
  }
  if (reading === undefined) return { tokens, readings: [] };
  const stated: ShownReading = { ...reading };
  if (statement.basis !== 'observed') return { tokens, readings: [stated] };
  // The statement has to say what the reading says, so both are looked for.
  const { value, unit = '', quality = '' } = statement;
  const { value: _, ...rest } = stated;
  const said = { ...rest, unit, quality, ...(value !== undefined && { value }) };
  return { tokens, readings: [stated, said] };
}

const WORDS = {
  valid: ['✓', 'valid'],
  invalid: ['✗', 'not valid'],
  undecided: ['?', 'not proven'],
} as const;

function Verdict({ verdict: found, proof }: { verdict: BrowserVerdict; proof: Proof }) {
  const { verdict, decisive, links, relied, statusMs, atMs, tookMs } = found;
  const isValid = verdict === 'valid';
  const [shape, word] = WORDS[verdict];
  return (
    <>
      <p class={isValid ? 'verdict verdict-ok' : 'verdict verdict-failed'}>
        <span aria-hidden="true">{shape}</span> Verified in this browser: {word}{' '}
        {isValid
          ? `(${proven(proof)}, ${statusText(statusMs)})`
          : `(${decisive.name}: ${decisive.reason})`}
        <span class="second">
          judged as of {timeText(atMs)}, in {tookMs.toFixed(0)} ms
        </span>
      </p>
      {!isValid && <p class="hint">{decisive.hint}</p>}
      <details>
        <summary>Each link, and what this browser relied on</summary>
        <ul class="checks">
          {links.map((link) => (
            <Judged key={link.name} link={link} />
          ))}
        </ul>
        <h5>What this browser relied on</h5>
        <dl class="facts">
          {relied.map(({ name, digest, isOwn }) => (
            <Fact key={digest} name={name}>
              <code>{digest}</code> {isOwn ? '(your own file)' : '(given by the ingester)'}
            </Fact>
          ))}
        </dl>
        <p class="second">
          The program that judged came from this ingester. To rely on none of it, download the
          evidence and judge it with “bondline-ingest verify” and documents of your own.
        </p>
      </details>
    </>
  );
}

function proven({ paper }: Proof): string {
  if (paper === undefined) return 'signature, enrolment';
  const { length } = paper.signers;
  return length === 1 ? 'signature of its issuer' : `signatures of all ${length} parties`;
}

function statusText(statusMs: number | undefined): string {
  return statusMs === undefined ? 'no status list is named' : `status as of ${timeText(statusMs)}`;
}

function Judged({ link: { name, verdict, code, reason, hint, tookMs } }: { link: LinkVerdict }) {
  const [shape, word] = WORDS[verdict];
  return (
    <li class={verdict === 'valid' ? 'check-ok' : 'check-failed'}>
      <span aria-hidden="true">{shape}</span> {name}: {word} ({code}), {tookMs.toFixed(1)} ms
      <span class="second">
        {reason}
        {verdict !== 'valid' && `. ${hint}`}
      </span>
    </li>
  );
}
