/** What a twin shows of the papers of parties, and who controls it by them. */
import type { PartyKind } from '../devices/credential/party/families.ts';
import type { Paper, TwinState } from './fold-state.ts';
import type { ControlRole, ControlStatement, Statement } from './twin.ts';

/** Attribute of the newest paper of a family. */
const ATTRIBUTES: Partial<Record<PartyKind, string>> = {
  ticket: 'deliveryTicket',
  'mill-test-report': 'millTestReport',
  inspection: 'inspection',
  event: 'lastEvent',
  movement: 'inBondMovement',
  calibration: 'calibrationCertificate',
};

/** The newest paper of each family that was not corrected; where all were, that it is so. */
export function paperStatements(state: TwinState): Record<string, Statement> {
  const statements: Record<string, Statement> = {};
  for (const [kind, attribute] of Object.entries(ATTRIBUTES)) {
    const papers = [...state.papers.values()].filter((paper) => paper.kind === kind);
    const good = newest(papers.filter((paper) => correctionOf(state, paper) === undefined));
    const shown = good ?? newest(papers);
    if (shown === undefined) continue;
    const { title, atMs, receivedMs, position, issuer } = shown;
    const common = {
      unit: '',
      observedMs: Math.min(atMs, receivedMs),
      receivedMs,
      basis: 'declared' as const,
      source: { position, issuer: issuer.id },
    };
    const reason = correctionOf(state, shown)?.reason;
    statements[attribute] =
      reason === undefined
        ? { value: title, quality: 'good', ...common }
        : { quality: 'bad', status: `corrected: ${reason}`, ...common };
  }
  return statements;
}

function correctionOf(state: TwinState, { digest, issuer }: Paper) {
  return state.corrections.get(`${digest} ${issuer.id}`);
}

function newest(papers: readonly Paper[]): Paper | undefined {
  let found: Paper | undefined;
  for (const paper of papers) {
    if (
      found === undefined ||
      paper.atMs > found.atMs ||
      (paper.atMs === found.atMs && paper.digest > found.digest)
    ) {
      found = paper;
    }
  }
  return found;
}

/** Names of the rules by which parties' own credentials say who is in control. */
const CUSTODY_RULE = 'custody-by-both-parties';
const REQUEST_RULE = 'bond-liable-by-request';

/**
 * Who is in control: custody moves by the signatures of both parties. Who asked for a movement in
 * bond answers for the goods where no enrolment says who does; the first request counts.
 */
export function controlByParties(
  state: TwinState,
  enrolled: Partial<Record<ControlRole, ControlStatement>>,
): Partial<Record<ControlRole, ControlStatement>> {
  const holder = state.custody?.holder;
  const requests = [...state.papers.values()]
    .filter((paper) => paper.liable && correctionOf(state, paper) === undefined)
    .sort((a, b) => a.position - b.position);
  const [request] = requests;
  return {
    ...enrolled,
    ...(holder && {
      possessor: {
        party: holder.party.id,
        name: holder.party.name,
        sinceMs: holder.sinceMs,
        basis: 'declared' as const,
        rule: CUSTODY_RULE,
        source: { position: holder.position, issuer: holder.party.id },
      },
    }),
    ...(request?.liable &&
      enrolled.bondLiable === undefined && {
        bondLiable: {
          party: request.liable.id,
          name: request.liable.name,
          sinceMs: request.atMs,
          basis: 'declared' as const,
          rule: REQUEST_RULE,
          source: { position: request.position, issuer: request.issuer.id },
        },
      }),
  };
}
