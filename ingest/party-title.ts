/** What an officer reads of a party credential, in one line. */
import type { PartyStatement } from '../devices/credential/party/families.ts';

/** One line about a statement, as far as it is about `uri`. */
export function titleOf(statement: PartyStatement, uri: string): string {
  switch (statement.kind) {
    case 'ticket': {
      const { number, quantities } = statement;
      const [last] = quantities.slice(-1);
      return `Ticket ${number}${last ? `, ${last.name} ${last.value} ${last.unit}` : ''}`;
    }
    case 'mill-test-report':
      return `Certificate ${statement.certificateNumber}, ${statement.certification}`;
    case 'inspection': {
      const lots = statement.lots.filter(({ goods }) => goods === uri);
      const passed = lots.every((lot) => lot.passed) ? 'passed' : 'not passed';
      return `${lots.map(({ grade }) => grade).join(', ')}: ${passed}`;
    }
    case 'event':
      return statement.what === 'TransferOwnership'
        ? `Sold to ${statement.receiver ?? 'unknown'}`
        : `${statement.what === 'TransportStart' ? 'Transport began' : 'Transport ended'}`;
    case 'movement':
      return `${statement.number} (${statement.entryType}), ${statement.act}`;
    case 'calibration':
      return `Certificate ${statement.number}, ${statement.standard}`;
    default:
      return statement.id;
  }
}
