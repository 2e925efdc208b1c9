/** The chain behind one value: raw words, credential, device, enrolment, organisation. */
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { askProof } from './ask.ts';
import { keyNames, timeText, unitOf } from './format.ts';
import { Checks, Fact } from './parts.tsx';
import { VerifiedHere } from './verified-here.tsx';
import type { CredentialLink, OrganisationLink, PaperLink, Proof, Scalar } from './wire.ts';

interface Loaded {
  readonly key: string;
  readonly proof?: Proof;
  readonly error?: string;
}

const loaded = signal<Loaded | undefined>(undefined);

function load(twin: string, attribute: string): void {
  const key = `${twin} ${attribute}`;
  askProof(twin, attribute).then(
    (proof) => {
      loaded.value = { key, proof };
    },
    (error: unknown) => {
      loaded.value = { key, error: error instanceof Error ? error.message : String(error) };
    },
  );
}

export function ProofPanel({ twin, attribute }: { twin: string; attribute: string }) {
  const key = `${twin} ${attribute}`;
  useEffect(() => load(twin, attribute), [key]);
  const found = loaded.value?.key === key ? loaded.value : undefined;
  return (
    <section class="proof" aria-label={`Proof of ${attribute}`} aria-live="polite">
      {found === undefined && <p class="quiet">Checking every link…</p>}
      {found?.error !== undefined && (
        <p class="check-failed">The proof could not be fetched: {found.error}</p>
      )}
      {found?.proof !== undefined && (
        <Chain proof={found.proof} again={() => load(twin, attribute)} />
      )}
    </section>
  );
}

function Chain({ proof, again }: { proof: Proof; again: () => void }) {
  const { statement, paper, reading, sample, credential, device, enrolment, organisation } = proof;
  const isBatch = credential.sequence !== undefined;
  return (
    <>
      <p class={proof.ok ? 'verdict verdict-ok' : 'verdict verdict-failed'}>
        <span aria-hidden="true">{proof.ok ? '✓' : '✗'}</span>{' '}
        {proof.ok
          ? 'By the ingester: Every link was checked again just now, from the stored bytes, and holds.'
          : 'By the ingester: A link does not hold. Do not rely on this value.'}
        <button type="button" onClick={again}>
          Check the newest value
        </button>
      </p>
      <VerifiedHere proof={proof} />
      <ol class="chain">
        {reading !== undefined && (
          <Link title="Reading and raw words" checks={reading.checks}>
            <Fact name="Raw words">
              <code class="raw">{reading.rawHex === '' ? 'none' : reading.rawHex}</code>
            </Fact>
            <Fact name="Signed value">
              {exact(reading.value)} {unitOf(reading.unit)}
              {reading.quality !== 'good' && ` (${reading.quality})`}
            </Fact>
            {reading.status !== undefined && <Fact name="Status">{reading.status}</Fact>}
            <Fact name="Point">{reading.point}</Fact>
            <Fact name="Sampled">{timeText(reading.timeMs)}</Fact>
            <Fact name="Place in the batch">
              element {reading.element}, report {reading.report}
            </Fact>
          </Link>
        )}
        {sample !== undefined && (
          <Link title="Signed sample" checks={[]}>
            <Fact name="Rule">{statement.rule ?? 'all values of one sample'}</Fact>
            {sample.readings.map((one) => (
              <Fact key={one.point} name={one.point}>
                {exact(one.value)} {unitOf(one.unit)}{' '}
                <code>{one.rawHex === '' ? 'no raw words' : one.rawHex}</code>
              </Fact>
            ))}
          </Link>
        )}
        {paper !== undefined && <Paper paper={paper} credential={credential} />}
        {reading === undefined && sample === undefined && isBatch && (
          <Link title="Derived statement" checks={[]}>
            <Fact name="Rule">{statement.rule ?? 'stated by the batch itself'}</Fact>
            <Fact name="From">the batch below and those before it</Fact>
          </Link>
        )}
        {isBatch && (
          <Link title="Batch credential" checks={credential.checks}>
            <Credential link={credential} />
            <Fact name="Place in history">
              epoch {credential.epoch}, sequence {credential.sequence}
            </Fact>
            <Caveats credential={credential} />
          </Link>
        )}
        {device !== undefined && (
          <Link title={`Device ${device.label}`} checks={[]}>
            <Fact name="DID">
              <code>{device.did}</code>
            </Fact>
            <Fact name="Key lives">
              {device.keyLocation === undefined ? 'unknown' : keyNames[device.keyLocation]}
            </Fact>
          </Link>
        )}
        {enrolment !== undefined && (
          <Link title="Enrolment credential" checks={enrolment.checks}>
            <Credential link={enrolment} />
            <Fact name="Facility">{enrolment.facility}</Fact>
            <Fact name="May report on">
              {enrolment.scope.map((prefix) => (
                <code key={prefix}>{prefix} </code>
              ))}
            </Fact>
          </Link>
        )}
        {organisation !== undefined && <Organisation link={organisation} />}
      </ol>
    </>
  );
}

/** What parties signed: what it says, the credential, and each who signed it. */
function Paper({ paper, credential }: { paper: PaperLink; credential: CredentialLink }) {
  return (
    <>
      <Link title={paper.name} checks={[]}>
        {paper.facts.map(({ name, value }) => (
          <Fact key={name} name={name}>
            {value}
          </Fact>
        ))}
        {paper.standing !== undefined && (
          <Fact name="Status">
            <span class="caveat">▲ not known at the time:</span> its status lists were too old, so a
            revocation may have been missing
          </Fact>
        )}
      </Link>
      <Link title="Credential of parties" checks={credential.checks}>
        <Credential link={credential} />
      </Link>
      {paper.signers.map((signer) => (
        <Organisation key={signer.did} link={signer} />
      ))}
    </>
  );
}

function Organisation({ link }: { link: OrganisationLink }) {
  const { name, did, documentDigest, position, checks } = link;
  return (
    <Link title={`Organisation ${name}`} checks={checks}>
      <Fact name="DID">
        <code>{did}</code>
      </Fact>
      {documentDigest !== undefined && (
        <Fact name="Pinned document">
          <code>{documentDigest}</code>, log position {position}
        </Fact>
      )}
    </Link>
  );
}

/** What was not as it should be when the credential came, in the words of the record. */
function Caveats({ credential }: Pick<Proof, 'credential'>) {
  const { status, doubt } = credential;
  const accepted = doubt?.accepted;
  return (
    <>
      {status === 'unknown' && (
        <Fact name="Status">
          <span class="caveat">▲ not known at the time:</span> its status lists were too old, so a
          revocation may have been missing
        </Fact>
      )}
      {doubt !== undefined && (
        <Fact name="Came in doubt">
          <span class="caveat">▲ {doubt.reason}</span> ({doubt.code})
        </Fact>
      )}
      {accepted !== undefined && (
        <Fact name="Accepted">
          {accepted.under === undefined
            ? `by ${accepted.officer}, “${accepted.reason}”`
            : `chained under the batch at log position ${accepted.under}, received before the doubt`}
          , {timeText(accepted.atMs)}, log position {accepted.position}
        </Fact>
      )}
    </>
  );
}

function Link(props: {
  title: string;
  checks: Parameters<typeof Checks>[0]['checks'];
  children: ComponentChildren;
}) {
  return (
    <li>
      <h4>{props.title}</h4>
      <dl class="facts">{props.children}</dl>
      {props.checks.length > 0 && <Checks checks={props.checks} />}
    </li>
  );
}

function Credential({ link }: { link: CredentialLink }) {
  return (
    <>
      <Fact name="Id">
        <code>{link.id}</code>
      </Fact>
      <Fact name="Digest">
        <code>{link.digest}</code>
      </Fact>
      <Fact name="Log">
        position {link.position}, leaf <code>{link.leaf}</code>
      </Fact>
      <Fact name="Received">{timeText(link.receivedMs)}</Fact>
      <Fact name="Signed by">
        <code>{link.keyId}</code>
      </Fact>
      <Fact name="Bytes">
        <details>
          <summary>token as received, {link.token.length.toLocaleString('en-US')} bytes</summary>
          <textarea readOnly rows={5} aria-label="Token as received" value={link.token} />
        </details>
      </Fact>
    </>
  );
}

/** All digits, unlike the table. */
function exact(value: Scalar | undefined): string {
  return value === undefined ? 'no value' : String(value);
}
