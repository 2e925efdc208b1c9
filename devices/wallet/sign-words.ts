/** What a statement says, in one sentence for the one who signs it. */
import type { CustodyStep } from '../credential/party/custody.ts';
import type { PartyStatement } from '../credential/party/families.ts';
import { formatTime } from '../runtime.ts';

export function describe(statement: PartyStatement): string {
  switch (statement.kind) {
    case 'custody':
      return custodyWords(statement);
    case 'ticket': {
      const amounts = statement.quantities.map(
        ({ name, value, unit }) => `${name} ${value} ${unit}`,
      );
      return `ticket ${statement.number} of ${statement.goods}: ${amounts.join(', ')}`;
    }
    case 'mill-test-report': {
      const heats = [...new Set(statement.inspections.map(({ heat }) => heat))].join(', ');
      return `mill test report ${statement.certificateNumber} (${statement.certification}) of heat ${heats}`;
    }
    case 'inspection': {
      const lots = statement.lots.map(({ lot, grade, passed }) => {
        return `lot ${lot}: ${grade}, ${passed ? 'passed' : 'not passed'}`;
      });
      return `inspection: ${lots.join('; ')}`;
    }
    case 'event': {
      const whom = statement.receiver === undefined ? '' : ` to ${statement.receiver}`;
      return `${statement.what}${whom} of ${statement.goods.join(', ')} at ${formatTime(statement.atMs)}`;
    }
    case 'movement':
      return `${statement.act} of in-bond movement ${statement.number} (type ${statement.entryType}), for which ${statement.liable.name} answers to customs`;
    case 'correction':
      return `${statement.corrects.id} was wrong (${statement.reason})`;
    case 'standing':
      return `${statement.party.name} has ${statement.programme} ${statement.number} until ${formatTime(statement.validUntilMs)}`;
    case 'bond':
      return `bond ${statement.number} (${statement.bondType}) of ${statement.amount} ${statement.currency} for ${statement.principal.name} until ${formatTime(statement.validUntilMs)}`;
    case 'calibration':
      return `calibration ${statement.number} of ${statement.device} until ${formatTime(statement.validUntilMs)}`;
  }
}

function custodyWords({ act, goods, from, to, atMs, quantity, right, seals }: CustodyStep): string {
  const what = act === 'acceptance' ? 'acceptance' : act === 'release' ? 'release' : 'transfer';
  const much = quantity === undefined ? '' : `, ${quantity.value} ${quantity.unit}`;
  const sealed = seals.length === 0 ? '' : `, seals ${seals.map(({ number }) => number).join(' ')}`;
  const whose = right === 'ownership' ? ' of ownership' : '';
  return `${what}${whose} of ${goods} from ${from.name} (${from.id}) to ${to.name} (${to.id}) at ${formatTime(atMs)}${much}${sealed}`;
}
