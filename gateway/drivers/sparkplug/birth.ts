/**
 * What a birth certificate promised: the names, types and aliases of the metrics of an edge node or
 * of one of its devices. An alias means nothing outside the birth that gave it.
 */
import type { Metric } from './payload.ts';

export interface Birth {
  /** Data types by metric name. */
  readonly datatypes: ReadonlyMap<string, number>;
  /** Metric names by alias; an alias that was given twice names nothing. */
  readonly aliases: ReadonlyMap<bigint, string | undefined>;
}

/** A metric with the name and the type that its birth gave it. */
export interface NamedMetric {
  readonly name: string;
  readonly datatype: number;
  readonly metric: Metric;
}

/** What a birth's metrics promise. A metric without a name or a type promises nothing. */
export function birthOf(metrics: readonly Metric[]): Birth {
  const datatypes = new Map<string, number>();
  const aliases = new Map<bigint, string | undefined>();
  for (const { name, datatype, alias } of metrics) {
    if (name === undefined || name === '' || datatype === undefined) continue;
    datatypes.set(name, datatype);
    if (alias === undefined) continue;
    // tck-id-payloads-alias-uniqueness: of two names for one alias, either may be the wrong one.
    const clashes = aliases.has(alias) && aliases.get(alias) !== name;
    aliases.set(alias, clashes ? undefined : name);
  }
  return { datatypes, aliases };
}

/**
 * The metric by its name: `alias` when it goes by an alias that this birth did not give, or says
 * something that this birth contradicts (the birth is then not the one that the sender means);
 * `name` when only its name is unknown.
 */
export function nameMetric(birth: Birth, metric: Metric): NamedMetric | 'alias' | 'name' {
  const { alias } = metric;
  const byAlias = alias === undefined ? undefined : birth.aliases.get(alias);
  const said = metric.name === '' ? undefined : metric.name;
  if (said === undefined && byAlias === undefined) return 'alias';
  if (said !== undefined && byAlias !== undefined && said !== byAlias) return 'alias';
  const name = said ?? byAlias;
  const datatype = name === undefined ? undefined : birth.datatypes.get(name);
  if (name === undefined || datatype === undefined) return 'name';
  if (metric.datatype !== undefined && metric.datatype !== datatype) return 'alias';
  return { name, datatype, metric };
}
