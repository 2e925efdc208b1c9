/** What `bondline-ingest trust` says, in words for the person who asked. */
import type { TrustChange } from '../trust-given.ts';
import type { TrustListing } from '../trust-listing.ts';

/** One line on what became of a document. */
export function formatChange({
  name,
  kind,
  subject,
  result,
  code,
  reason,
  position,
}: TrustChange): string {
  const where = position === undefined ? '' : ` at position ${position}`;
  const why = code === undefined ? '' : `: ${code}, ${reason ?? ''}`;
  const repeat = result === 'confirm' ? '; repeat with --confirm once you have asked' : '';
  const from = name === subject ? '' : ` (${name})`;
  return `${result} ${kind} ${subject || '?'}${from}${where}${why}${repeat}`;
}

/**
 * What the changes come to, a line or two for each organisation: whose word counts now, and for how
 * many devices it spoke.
 */
export function sayAdded(changes: readonly TrustChange[]): string[] {
  const added = changes.filter(({ result }) => result === 'added');
  const names = new Map<string, string>();
  for (const { kind, subject, organisation, called } of added) {
    if (kind === 'organisation') names.set(subject, called ?? '');
    // What the person says counts before what an organisation calls itself.
    else if (organisation)
      names.set(organisation.did, names.get(organisation.did) || organisation.name);
  }
  return [...names].flatMap(([did, name]) => {
    const who = name === '' ? did : `${shown(name)} (${did})`;
    const devices = added.filter(({ organisation }) => organisation?.did === did);
    const waiting = devices.filter(({ waits }) => waits !== undefined);
    const count = devicesIn(devices) - devicesIn(waiting);
    const lines: string[] = [];
    if (count > 0) lines.push(`${who}: its ${counted(count)} accepted from now on`);
    if (waiting.length > 0) {
      const why = waiting[0]?.waits ?? '';
      lines.push(`${who}: its ${counted(devicesIn(waiting))} not accepted yet: ${why}`);
    }
    if (devices.length > 0) return lines;
    const devicesToo = 'its devices do once their enrolments come';
    return [`${who}: what it signs counts from now on; ${devicesToo}`];
  });
}

function devicesIn(changes: readonly TrustChange[]): number {
  return new Set(changes.map(({ subject }) => subject)).size;
}

function counted(count: number): string {
  return count === 1 ? 'device is' : `${count} devices are`;
}

/** A name without marks that a terminal would obey; whoever signed it chose it. */
function shown(name: string): string {
  return name.replace(/\p{Cc}/gu, '?');
}

/** Whom the ingester trusts, a line each. */
export function formatListing(listing: TrustListing): string {
  const { organisations, enrolments, statusLists, enrolmentCount, next } = listing;
  const lines = [
    ...organisations.map(({ did, name }) => {
      return `organisation ${name === undefined ? did : `${shown(name)} (${did})`}`;
    }),
    ...statusLists.map(({ id, issuer }) => `status list  ${id} of ${issuer}`),
    ...enrolments.map(({ device, label, organisation }) => {
      return `enrolment    ${label} (${device}) by ${organisation}`;
    }),
    ...(next === undefined
      ? []
      : [`${enrolmentCount} enrolments in all; for those that follow, add --from ${next}`]),
  ];
  return lines.length === 0 ? 'Nobody is trusted yet.\n' : `${lines.join('\n')}\n`;
}
