/** Counts what the ingester did since it started, in sum and for each gateway. */

/** What became of what one gateway sent. */
export interface SiteCounts {
  /** Batches stored for the first time, and the readings in them. */
  readonly accepted: number;
  readonly verifiedReadings: number;
  /** Credentials refused for good, contradictions included. */
  readonly refused: number;
  /** Those of them that were only counted, since no more are kept (`refusals` in the settings). */
  readonly refusedNotKept: number;
  /** Batches kept without effect, because their key was in doubt when they came. */
  readonly doubtful: number;
  /** Times that a credential was held; one that is sent again counts again. */
  readonly held: number;
  /** Credentials that were stored before and came again. */
  readonly known: number;
}

export interface HealthSnapshot extends SiteCounts {
  /** Entries of the journal. */
  readonly positions: number;
  /** Messages that were too large to be taken at all, from whomever. */
  readonly tooLarge: number;
  /** Messages that no worker could judge, which are kept and refused for good. */
  readonly poison: number;
  /** Bytes between the sources and the journal. */
  readonly queueBytes: number;
  /** Milliseconds from receipt of the oldest credential of the last group to its commit. */
  readonly commitMs: number;
  /** By fingerprint of the gateway. */
  readonly sites: Readonly<Record<string, SiteCounts>>;
}

export interface Health {
  count(gateway: string, what: Partial<SiteCounts>): void;
  /** A message was too large to be taken. */
  tooLarge(): void;
  /** A message was one that no worker could judge. */
  poison(): void;
  gauge(what: { positions?: number; queueBytes?: number; commitMs?: number }): void;
  snapshot(): HealthSnapshot;
}

type Counts = { -readonly [K in keyof SiteCounts]: SiteCounts[K] };

const NAMES = [
  ...(['accepted', 'verifiedReadings', 'refused', 'refusedNotKept'] as const),
  ...(['doubtful', 'held', 'known'] as const),
] as const;

/**
 * Counters in memory. Beyond `sitesMax` gateways further ones count in the sum only, since
 * anybody who reaches the uplink can name a gateway.
 */
export function createHealth(sitesMax: number): Health {
  const total = zero();
  const sites = new Map<string, Counts>();
  const gauges = { positions: 0, queueBytes: 0, commitMs: 0 };
  let tooLarge = 0;
  let poison = 0;
  return {
    count(gateway, what) {
      add(total, what);
      let site = sites.get(gateway);
      if (site === undefined && sites.size < sitesMax) {
        site = zero();
        sites.set(gateway, site);
      }
      if (site !== undefined) add(site, what);
    },
    tooLarge() {
      tooLarge += 1;
    },
    poison() {
      poison += 1;
    },
    gauge(what) {
      Object.assign(gauges, what);
    },
    snapshot() {
      const bySite = [...sites].map(([gateway, counts]) => [gateway, { ...counts }] as const);
      return { ...total, ...gauges, tooLarge, poison, sites: Object.fromEntries(bySite) };
    },
  };
}

function zero(): Counts {
  const refusals = { refused: 0, refusedNotKept: 0 };
  return { accepted: 0, verifiedReadings: 0, ...refusals, doubtful: 0, held: 0, known: 0 };
}

function add(counts: Counts, what: Partial<SiteCounts>): void {
  for (const name of NAMES) counts[name] += what[name] ?? 0;
}
