/** The twin that people see, made of its state, the routes in force and the last tick's time. */
import { openAlerts } from './alert.ts';
import type { FoldPlugins } from './fold.ts';
import { openHoles, toldHoles } from './fold-holes.ts';
import type { RouteTable } from './fold-routes.ts';
import { chosen, type TwinState } from './fold-state.ts';
import type { Kind } from './kind.ts';
import { type Statement, type Twin, twinId } from './twin.ts';
import { controlByParties, paperStatements } from './twin-papers.ts';
import {
  controlOf,
  currentEnrolment,
  newestEnrolment,
  statementOf,
  weakestKey,
} from './twin-statement.ts';

export interface ViewContext {
  readonly plugins: FoldPlugins;
  readonly routes: RouteTable;
  /** Time of the last tick in the journal. */
  readonly nowMs: number;
}

/** Pure: the same state, routes and tick give the same twin. */
export function viewOf(state: TwinState, context: ViewContext): Twin {
  const kind = kindNamed(state, context.plugins);
  const derived = kind.derive(state, {
    routes: context.routes,
    twinOf: (name, uri) => twinId(state.tenant, name, uri),
  });
  const alias = derived.alias ?? kind.identify(state.uri);
  const current = currentEnrolment(state);
  const record = current?.record ?? newestEnrolment(state);
  const keyLocation = weakestKey(record === undefined ? [] : [record]);
  return {
    id: state.id,
    tenant: state.tenant,
    kind: state.kind,
    label: derived.label ?? (alias === undefined ? state.uri : kind.label(alias)),
    aliases: alias === undefined ? [] : [alias],
    uri: state.uri,
    attributes: attributesOf(state, kind, { ...paperStatements(state), ...derived.attributes }),
    control: controlByParties(
      state,
      record === undefined
        ? {}
        : controlOf(record, {
            sinceMs: record.sinceMs ?? record.enrolment.validFromMs,
            isGoods: kind.isGoods,
            stale: current?.cell.stamp.stale === true,
          }),
    ),
    ...(derived.place === undefined ? {} : { place: derived.place }),
    alerts: openAlerts(state, context.plugins, context.nowMs),
    ...gapsOf(state),
    ...pendingOf(state),
    relations: { ...derived.relations },
    ...(keyLocation === undefined ? {} : { keyLocation }),
    position: state.position,
    observedMs: state.observedMs,
    receivedMs: state.receivedMs,
  };
}

/** What is missing in a device's history. */
function gapsOf({ history }: TwinState): Pick<Twin, 'gaps'> {
  const holes = history === undefined ? [] : [...openHoles(history), ...toldHoles(history)];
  if (holes.length === 0) return {};
  return {
    gaps: holes.map(({ counter: epoch, sinceMs: _seen, position: _by, ...hole }) => {
      return { epoch, ...hole };
    }),
  };
}

/** Steps of custody that wait for the status of their signers. */
function pendingOf({ custody, ownership }: TwinState): Pick<Twin, 'pending'> {
  const waiting = [custody, ownership]
    .flatMap((chain) => [...(chain?.waiting.values() ?? [])])
    .filter((step) => step.pending);
  if (waiting.length === 0) return {};
  return {
    pending: waiting
      .sort((a, b) => a.position - b.position)
      .map(({ act, from, to, atMs, position }) => {
        return { act, from: from.name, to: to.name, atMs, position };
      }),
  };
}

function kindNamed(state: TwinState, { kinds }: FoldPlugins): Kind {
  const kind = kinds.find(({ name }) => name === state.kind);
  if (kind === undefined) throw new Error(`the kind "${state.kind}" is not registered`);
  return kind;
}

/** Known attributes in their kind's order, then the others by name; paths with `@` are inner. */
function attributesOf(
  state: TwinState,
  kind: Kind,
  derived: Readonly<Record<string, Statement>>,
): Record<string, Statement> {
  const attributes: Record<string, Statement> = {};
  const known = Object.keys(kind.attributes);
  const others = [...state.newest.keys(), ...Object.keys(derived)]
    .filter((path) => !path.startsWith('@') && !known.includes(path))
    .sort();
  for (const path of [...known, ...others]) {
    const cell = chosen(state.newest.get(path));
    const statement = derived[path] ?? (cell === undefined ? undefined : statementOf(cell));
    if (statement !== undefined) attributes[path] = statement;
  }
  return attributes;
}
