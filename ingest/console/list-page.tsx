/** The list of twins: what, where, who, newest values, age, proof and open alerts. */
import { computed, signal } from '@preact/signals';
import { DoubtsSection } from './doubts.tsx';
import { coordinatesText, kindName, metresText, placeText, statementText } from './format.ts';
import { HeldDevices } from './held-devices.tsx';
import { alertCount, kinds, twins } from './live.ts';
import { Age, AlertBadge, newsMs, ProofBadge } from './parts.tsx';
import { twinHash } from './route.ts';
import type { Place, Twin } from './wire.ts';

type Order = 'what' | 'age' | 'alerts';

const kindFilter = signal<string | undefined>(undefined);
const words = signal('');
const alertsOnly = signal(false);
const order = signal<Order>('what');
/** Rows that are drawn; a long list grows on request. */
const PAGE = 100;
const shown = signal(PAGE);

const natural = new Intl.Collator('en', { numeric: true });
/** Kinds whose newest names are the highest. */
const NEWEST_FIRST = new Set(['steel-heat', 'steel-piece', 'pipeline-batch', 'gas-flow', 'parcel']);

const matching = computed(() => {
  const wanted = words.value.trim().toLowerCase();
  return [...twins.value.values()]
    .filter(
      (twin) =>
        (kindFilter.value === undefined || twin.kind === kindFilter.value) &&
        (!alertsOnly.value || twin.alerts.length > 0) &&
        (wanted === '' || searchText(twin).includes(wanted)),
    )
    .sort(comparing(order.value));
});

function searchText({ label, uri, place, control, alerts }: Twin): string {
  const parties = Object.values(control).map(({ name }) => name);
  const parts = [label, uri, place?.name, place?.unlocode, ...parties];
  return [...parts, ...alerts.map(({ code }) => code)].join(' ').toLowerCase();
}

function comparing(by: Order): (a: Twin, b: Twin) => number {
  const rank = new Map(kinds.value.map(({ name }, index) => [name, index]));
  const byName = (a: Twin, b: Twin) => {
    const kind = (rank.get(a.kind) ?? 99) - (rank.get(b.kind) ?? 99);
    if (kind !== 0) return kind;
    const named = natural.compare(a.label, b.label);
    return NEWEST_FIRST.has(a.kind) ? -named : named;
  };
  if (by === 'age') return (a, b) => b.observedMs - a.observedMs || byName(a, b);
  if (by === 'alerts') return (a, b) => b.alerts.length - a.alerts.length || byName(a, b);
  return byName;
}

export function ListPage() {
  const rows = matching.value;
  return (
    <>
      <Filters />
      {rows.length === 0 ? (
        <p class="empty">
          {twins.value.size === 0
            ? 'No twins yet. They appear as soon as the first verified batch is applied.'
            : 'No twin matches these filters.'}
        </p>
      ) : (
        <section class="table-frame" aria-label="Digital twins">
          <table class="twins">
            <caption class="hidden">Digital twins</caption>
            <thead>
              <tr>
                <Sortable by="what">Twin</Sortable>
                <th scope="col">Where</th>
                <th scope="col">In control</th>
                <th scope="col">Newest values</th>
                <Sortable by="age">Observed</Sortable>
                <th scope="col">Proof</th>
                <Sortable by="alerts">Alerts</Sortable>
              </tr>
            </thead>
            <tbody>
              {rows.slice(0, shown.value).map((twin) => (
                <Row key={twin.id} twin={twin} />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {rows.length > shown.value && (
        <button type="button" class="more" onClick={() => (shown.value += PAGE)}>
          Show more ({rows.length - shown.value} hidden)
        </button>
      )}
      <DoubtsSection />
      <HeldDevices />
    </>
  );
}

function Filters() {
  const counts = new Map<string, number>();
  for (const { kind } of twins.value.values()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const choose = (kind: string | undefined) => () => {
    kindFilter.value = kind;
    shown.value = PAGE;
  };
  return (
    <fieldset class="filters">
      <legend class="hidden">Filter twins</legend>
      <button
        type="button"
        aria-pressed={kindFilter.value === undefined}
        onClick={choose(undefined)}
      >
        All <span class="count">{twins.value.size}</span>
      </button>
      {kinds.value
        .filter(({ name }) => counts.has(name))
        .map(({ name }) => (
          <button
            key={name}
            type="button"
            aria-pressed={kindFilter.value === name}
            onClick={choose(name)}
          >
            {kindName(name, true)} <span class="count">{counts.get(name)}</span>
          </button>
        ))}
      <button
        type="button"
        class="filter-alerts"
        aria-pressed={alertsOnly.value}
        onClick={() => (alertsOnly.value = !alertsOnly.value)}
      >
        <span aria-hidden="true">▲</span> With alerts <span class="count">{alertCount.value}</span>
      </button>
      <input
        type="search"
        placeholder="Search name, place, party…"
        aria-label="Search twins"
        value={words.value}
        onInput={({ currentTarget }) => (words.value = currentTarget.value)}
      />
    </fieldset>
  );
}

function Sortable({ by, children }: { by: Order; children: string }) {
  const active = order.value === by;
  return (
    <th scope="col" aria-sort={active ? (by === 'what' ? 'ascending' : 'descending') : 'none'}>
      <button type="button" class="sort" onClick={() => (order.value = by)}>
        {children} <span aria-hidden="true">{active ? '▾' : ''}</span>
      </button>
    </th>
  );
}

function Row({ twin }: { twin: Twin }) {
  const { possessor, hold } = twin.control;
  return (
    <tr class={twin.alerts.length > 0 ? 'has-alerts' : ''}>
      <th scope="row">
        <a href={twinHash(twin.id)}>{twin.label}</a>
        <span class="kind">{kindName(twin.kind)}</span>
      </th>
      <td>
        <Where place={twin.place} />
      </td>
      <td>
        {possessor === undefined ? <span class="quiet">unknown</span> : possessor.name}
        {hold !== undefined && <span class="second caveat">▲ held by {hold.name}</span>}
        {twin.pending?.map(({ to, position }) => (
          <span key={position} class="second caveat">
            ▲ pending: to {to}
          </span>
        ))}
      </td>
      <td>
        <Headlines twin={twin} />
      </td>
      <td class="number">
        <Age sinceMs={newsMs(twin)} />
      </td>
      <td>
        <ProofBadge twin={twin} />
      </td>
      <td>
        {twin.alerts.length === 0 ? (
          <span class="quiet">none</span>
        ) : (
          twin.alerts.map((alert) => <AlertBadge key={alert.code} alert={alert} />)
        )}
      </td>
    </tr>
  );
}

function Where({ place }: { place: Place | undefined }) {
  if (place === undefined) return <span class="quiet">unknown</span>;
  const accuracy = place.accuracyM === undefined ? '' : ` ±\u00a0${metresText(place.accuracyM)}`;
  return (
    <>
      {placeText(place)}
      <span class="second">
        {place.name === undefined ? '' : coordinatesText(place)}
        {accuracy} {place.basis === 'observed' ? '' : `(${place.basis})`}
      </span>
    </>
  );
}

function Headlines({ twin }: { twin: Twin }) {
  const definitions = kinds.value.find(({ name }) => name === twin.kind)?.attributes ?? {};
  const named = Object.entries(definitions).filter(
    ([path, { headline }]) => headline && twin.attributes[path] !== undefined,
  );
  // A device of one's own profile has other points: the first few of them then.
  const paths =
    named.length > 0
      ? named
      : Object.keys(twin.attributes)
          .slice(0, 4)
          .map((path) => [path, definitions[path] ?? { title: path }] as const);
  return (
    <dl class="headlines">
      {paths.map(([path, { title }]) => {
        const statement = twin.attributes[path];
        if (statement === undefined) return null;
        return (
          <div key={path} class={`quality-${statement.quality}`}>
            <dt>{title}</dt>
            <dd>
              {statementText(statement)}
              {statement.quality !== 'good' && <em> {statement.quality}</em>}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
