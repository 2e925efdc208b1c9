/** One twin: identity, control, place, alerts and every attribute with the way to its proof. */
import { Fragment } from 'preact';
import { DeviceDoubts } from './doubts.tsx';
import {
  controlText,
  coordinatesText,
  kindName,
  metresText,
  paperTitles,
  placeText,
  roleNames,
  statementText,
  timeText,
} from './format.ts';
import { Gaps } from './gaps.tsx';
import { kinds, twins } from './live.ts';
import { Papers } from './papers.tsx';
import { Age, AlertBadge, Fact, newsMs, ProofBadge } from './parts.tsx';
import { ProofPanel } from './proof-panel.tsx';
import { twinHash } from './route.ts';
import type { Place, Role, Statement, Twin } from './wire.ts';

const ROLES: readonly Role[] = ['owner', 'possessor', 'bondLiable', 'hold'];

export function TwinPage({ id, attribute }: { id: string; attribute: string | undefined }) {
  const twin = twins.value.get(id);
  if (twin === undefined) {
    return (
      <p class="empty">
        There is no twin {id}. <a href="#/">Back to the list</a>
      </p>
    );
  }
  return (
    <article>
      <p class="back">
        <a href="#/">← All twins</a>
      </p>
      <div class="title">
        <h1>{twin.label}</h1>
        <span class="kind">{kindName(twin.kind)}</span>
        <ProofBadge twin={twin} />
        <span class="quiet">
          {twin.observedMs === 0 ? 'told of' : 'observed'} <Age sinceMs={newsMs(twin)} /> ago
        </span>
      </div>
      <Alerts twin={twin} />
      <div class="cards">
        <Where twin={twin} attribute={attribute} />
        <InControl twin={twin} attribute={attribute} />
        <Identity twin={twin} />
      </div>
      {attribute?.startsWith('@') && <ProofPanel twin={twin.id} attribute={attribute} />}
      <Papers twin={twin} />
      <Gaps twin={twin} />
      {twin.kind === 'device' && <DeviceDoubts twin={twin} />}
      <Attributes twin={twin} attribute={attribute} />
    </article>
  );
}

function Alerts({ twin }: { twin: Twin }) {
  if (twin.alerts.length === 0) return null;
  return (
    <ul class="alerts" aria-label="Open alerts">
      {twin.alerts.map((alert) => (
        <li key={alert.code}>
          <AlertBadge alert={alert} /> {alert.text}{' '}
          <span class="quiet">
            open for <Age sinceMs={alert.sinceMs} />; evidence: log{' '}
            {alert.evidence.map((position, index) => (
              <Fragment key={position}>
                {index > 0 && ', '}
                <a href={`./api/entries/${position}`} target="_blank" rel="noreferrer">
                  {position}
                </a>
              </Fragment>
            ))}
          </span>
        </li>
      ))}
    </ul>
  );
}

interface PartProps {
  readonly twin: Twin;
  readonly attribute: string | undefined;
}

function Where({ twin, attribute }: PartProps) {
  const { place } = twin;
  return (
    <section class="card">
      <h2>Where</h2>
      {place === undefined ? (
        <p class="quiet">Unknown: nothing that was observed says where it is.</p>
      ) : (
        <>
          <p class="lead">{placeText(place)}</p>
          <dl class="facts">
            <Fact name="Position">
              {coordinatesText(place)}
              {place.accuracyM !== undefined && ` ± ${metresText(place.accuracyM)}`}
            </Fact>
            <Fact name="Known by">
              {placeBasis(place)}, <Age sinceMs={place.observedMs} /> ago
            </Fact>
          </dl>
          <ProveLink twin={twin} name="@place" open={attribute === '@place'} />
        </>
      )}
    </section>
  );
}

function placeBasis({ basis, rule }: Place): string {
  if (basis === 'estimated') return `estimate, rule ${rule}`;
  return basis === 'declared' ? 'declaration of its organisation' : 'observation';
}

function InControl({ twin, attribute }: PartProps) {
  return (
    <section class="card">
      <h2>In control</h2>
      <dl class="facts">
        {ROLES.map((role) => {
          const control = twin.control[role];
          return (
            <Fact key={role} name={roleNames[role]}>
              {control === undefined ? (
                <span class="quiet">none on record</span>
              ) : (
                <>
                  {control.name} <span class="quiet">{controlText(control)}</span>{' '}
                  <ProveLink twin={twin} name={`@${role}`} open={attribute === `@${role}`} />
                </>
              )}
            </Fact>
          );
        })}
      </dl>
    </section>
  );
}

function Identity({ twin }: { twin: Twin }) {
  const relations = Object.entries(twin.relations);
  return (
    <section class="card">
      <h2>Identity</h2>
      <dl class="facts">
        {twin.aliases.map(({ scheme, scope, value }) => (
          <Fact key={scheme} name={scheme}>
            <code>{value}</code>
            {scope !== '' && <span class="second">named by {scope}</span>}
          </Fact>
        ))}
        <Fact name="Twin">
          <code>{twin.id}</code>
        </Fact>
        {relations.map(([name, id]) => (
          <Fact key={name} name={name}>
            {twins.value.has(id) ? (
              <a href={twinHash(id)}>{twins.value.get(id)?.label}</a>
            ) : (
              <span class="quiet">not seen yet</span>
            )}
          </Fact>
        ))}
      </dl>
    </section>
  );
}

function Attributes({ twin, attribute }: PartProps) {
  const titles = kinds.value.find(({ name }) => name === twin.kind)?.attributes ?? {};
  const rows = Object.entries(twin.attributes);
  return (
    <section aria-labelledby="attributes-heading">
      <h2 id="attributes-heading">
        Attributes <span class="count">{rows.length}</span>
      </h2>
      <section class="table-frame" aria-label="Attributes">
        <table class="attributes">
          <thead>
            <tr>
              <th scope="col">Attribute</th>
              <th scope="col">Value</th>
              <th scope="col">Quality</th>
              <th scope="col">Observed</th>
              <th scope="col">Known by</th>
              <th scope="col">Proof</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([path, statement]) => (
              <Fragment key={path}>
                <tr class={attribute === path ? 'opened' : ''}>
                  <th scope="row">
                    {titles[path]?.title ?? paperTitles[path] ?? path}{' '}
                    <span class="second">{path}</span>
                  </th>
                  <td class="number value">
                    <Value statement={statement} />
                  </td>
                  <td class={`quality-${statement.quality}`}>
                    {statement.quality}
                    {statement.status !== undefined && (
                      <span class="second">{statement.status}</span>
                    )}
                  </td>
                  <td class="number" title={timeText(statement.observedMs)}>
                    <Age sinceMs={statement.observedMs} />
                  </td>
                  <td>
                    {knownBy(statement)}
                    <Caveat source={statement.source} />
                  </td>
                  <td>
                    <ProveLink twin={twin} name={path} open={attribute === path} />
                  </td>
                </tr>
                {attribute === path && (
                  <tr class="proof-row">
                    <td colSpan={6}>
                      <ProofPanel twin={twin.id} attribute={path} />
                    </td>
                  </tr>
                )}
              </Fragment>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

function Value({ statement }: { statement: Statement }) {
  const { lastGood } = statement;
  return (
    <>
      {statement.status?.startsWith('corrected') ? 'withdrawn' : statementText(statement)}
      {lastGood !== undefined && (
        <span class="second">
          last good {statementText(lastGood)}, <Age sinceMs={lastGood.observedMs} /> ago
        </span>
      )}
    </>
  );
}

/** What of the credential behind a statement was not as it should be when it came. */
function Caveat({ source }: Pick<Statement, 'source'>) {
  return (
    <>
      {source.status === 'unknown' && (
        <span class="second caveat">▲ status not known at the time</span>
      )}
      {source.act !== undefined && (
        <span class="second caveat">▲ came in doubt, accepted at log {source.act}</span>
      )}
    </>
  );
}

function knownBy({ basis, rule, source }: Statement): string {
  const place =
    source.sequence === undefined
      ? `log ${source.position}`
      : `batch ${source.epoch}/${source.sequence}`;
  if (basis === 'declared') return `signed by ${source.issuer}, ${place}`;
  return rule === undefined ? `${basis}, ${place}` : `${basis} by ${rule}, ${place}`;
}

function ProveLink({ twin, name, open }: { twin: Twin; name: string; open: boolean }) {
  return (
    <a
      class="prove"
      href={open ? twinHash(twin.id) : twinHash(twin.id, name)}
      aria-expanded={open}
      aria-label={`${open ? 'Close' : 'Show'} the proof of ${name}`}
    >
      {open ? 'Close' : 'Prove'}
    </a>
  );
}
