/** What a twin shows of the papers of parties, and who controls it by them. */
import type { PartyKind } from '../devices/credential/party/families.ts';
import type { Holder } from './fold-custody.ts';
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
const OWNERSHIP_RULE = 'ownership-by-both-parties';
const REQUEST_RULE = 'bond-liable-by-request';
const HOLD_RULE = 'hold-by-customs';

/**
 * Who is in control: custody and ownership move by the signatures of both parties, customs holds
 * goods by its own. Who asked for a movement in bond answers for the goods where no enrolment says
 * who does; the first request counts.
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
    ...(state.ownership?.holder && { owner: heldBy(state.ownership.holder, OWNERSHIP_RULE) }),
    ...(holder && { possessor: heldBy(holder, CUSTODY_RULE) }),
    ...holdOf(state),
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

function heldBy({ party, position, sinceMs }: Holder, rule: string): ControlStatement {
  const { id, name } = party;
  const source = { position, issuer: id };
  return { party: id, name, sinceMs, basis: 'declared', rule, source };
}

/** The hold that began first, of those that customs has not ended. */
function holdOf({ holds }: TwinState): { readonly hold?: ControlStatement } {
  const [first] = [...holds.values()]
    .filter(({ isHeld }) => isHeld)
    .sort((a, b) => a.atMs - b.atMs || (a.key < b.key ? -1 : 1));
  if (first === undefined) return {};
  const { atMs: sinceMs, authority, position } = first;
  const { id: party, name } = authority;
  const source = { position, issuer: party };
  return { hold: { party, name, sinceMs, basis: 'declared', rule: HOLD_RULE, source } };
}
