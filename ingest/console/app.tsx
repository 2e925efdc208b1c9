/** The frame around every page: name, connection, counts, and what is announced. */
import { ListPage } from './list-page.tsx';
import {
  alertCount,
  announcement,
  connection,
  doubts,
  held,
  lostSinceMs,
  status,
  twins,
} from './live.ts';
import { Age } from './parts.tsx';
import { route } from './route.ts';
import { TwinPage } from './twin-page.tsx';

export function App() {
  const { twin, attribute } = route.value;
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header />
      {connection.value === 'lost' && (
        <p class="lost" role="alert">
          <span aria-hidden="true">✗</span> No connection to the ingester for{' '}
          <Age sinceMs={lostSinceMs.value} />. What is shown is as of then.
        </p>
      )}
      <Rewritten />
      <main id="main" tabIndex={-1}>
        {twin === undefined ? <ListPage /> : <TwinPage id={twin} attribute={attribute} />}
      </main>
      <p class="hidden" aria-live="polite">
        {announcement.value}
      </p>
    </>
  );
}

/** Said as long as gateways hold signed proof that the record is not the one that it was. */
function Rewritten() {
  const contradicted = status.value?.checkpoint.contradicted.length ?? 0;
  if (contradicted === 0) return null;
  const who = contradicted === 1 ? 'A gateway keeps' : `${contradicted} gateways keep`;
  return (
    <p class="lost" role="alert">
      <span aria-hidden="true">✗</span> {who} a signed checkpoint which this record does not
      continue: it was restored from a backup, or rewritten.
    </p>
  );
}

const STATES = {
  connecting: ['…', 'connecting'],
  live: ['●', 'live'],
  lost: ['✗', 'disconnected'],
} as const;

function Header() {
  const [shape, text] = STATES[connection.value];
  const { checkpoint, name, verifiedReadings, latencyMs } = status.value ?? {};
  const refused = status.value && status.value.refused + status.value.tooLarge;
  const p99 = latencyMs?.p99;
  const inDoubt = doubts.value.waiting + doubts.value.quarantined.length;
  return (
    <header>
      <a class="brand" href="#/">
        <img src="./icon.svg" alt="" width="28" height="28" />
        <strong>Bondline</strong>
        {name !== undefined && <span>{name}</span>}
      </a>
      <dl class="figures">
        <Figure name="Twins" value={count(twins.value.size)} />
        <Figure
          name="Open alerts"
          value={count(alertCount.value)}
          tone={alertCount.value > 0 ? 'warn' : ''}
        />
        <Figure
          name="Held devices"
          value={count(held.value.length)}
          tone={held.value.length > 0 ? 'warn' : ''}
        />
        <Figure name="In doubt" value={count(inDoubt)} tone={inDoubt > 0 ? 'warn' : ''} />
        <Figure name="Verified readings" value={count(verifiedReadings)} />
        <Figure name="Refused" value={count(refused)} tone={refused ? 'warn' : ''} />
        <Figure
          name="Witnesses"
          value={count(checkpoint?.witnesses)}
          tone={checkpoint?.contradicted.length ? 'warn' : ''}
        />
        <Figure
          name="Sample to screen, p99"
          value={p99 === undefined || p99 === null ? '–' : `${count(p99)} ms`}
        />
      </dl>
      <p class={`connection connection-${connection.value}`}>
        <span aria-hidden="true">{shape}</span> {text}
      </p>
    </header>
  );
}

function count(value: number | undefined): string {
  return value === undefined ? '–' : value.toLocaleString('en-US');
}

function Figure({ name, value, tone = '' }: { name: string; value: string; tone?: string }) {
  return (
    <div class={`figure ${tone}`}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
