/** What an officer reads of a party credential: one line beside the goods, and its facts. */
import type { PartyStatement } from '../devices/credential/party/families.ts';
import type { Amount } from '../devices/credential/party/family.ts';
import { formatTime } from '../devices/runtime.ts';

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

/** One thing that a party credential says, in words for a person. */
export interface PaperFact {
  readonly name: string;
  readonly value: string;
}

/** What families are called on a page. */
export const paperNames: Readonly<Record<PartyStatement['kind'], string>> = {
  custody: 'Custody step',
  ticket: 'Delivery ticket',
  'mill-test-report': 'Mill test report',
  inspection: 'Inspection',
  event: 'Transport or sale',
  movement: 'In-bond movement',
  correction: 'Correction',
  standing: 'Standing with customs',
  bond: 'Customs bond',
  calibration: 'Calibration certificate',
};

/** What a credential is called on a page. */
export function paperName(statement: PartyStatement): string {
  if (statement.kind !== 'custody') return paperNames[statement.kind];
  const { act, right } = statement;
  const what = right === 'ownership' ? 'Ownership' : 'Custody';
  return `${what}: ${act === 'transfer' ? 'release and acceptance' : act}`;
}

/** What it says besides who signed it: the few facts that an officer compares with the goods. */
export function paperFacts(statement: PartyStatement): readonly PaperFact[] {
  switch (statement.kind) {
    case 'custody': {
      const { from, to, atMs, quantity, seals, place } = statement;
      return facts({
        From: from.name,
        To: to.name,
        At: formatTime(atMs),
        Place: place,
        Quantity: quantity && amount(quantity),
        Seals: listed(seals.map(({ number }) => number)),
      });
    }
    case 'ticket': {
      const { number, product, consignor, consignee, closedMs, quantities } = statement;
      return facts({
        Number: number,
        Product: product,
        Consignor: consignor.name,
        Consignee: consignee.name,
        Closed: formatTime(closedMs),
        Quantities: listed(quantities.map(({ name, ...one }) => `${name} ${amount(one)}`)),
      });
    }
    case 'mill-test-report':
      return facts({
        Number: statement.certificateNumber,
        Certification: statement.certification,
        Grade: `${statement.grade}, ${statement.standard}`,
        Customer: statement.customer.name,
        Heats: listed([...new Set(statement.inspections.map(({ heat }) => heat))]),
        Products: listed(statement.inspections.map(({ product }) => product)),
      });
    case 'movement': {
      const { number, entryType, act, atMs, carrier, liable } = statement;
      return facts({
        Number: number,
        'Entry type': entryType,
        Act: act,
        At: formatTime(atMs),
        Carrier: carrier.name,
        'Bond-liable party': liable.name,
      });
    }
    default:
      return facts({ Says: titleOf(statement, '') });
  }
}

function facts(values: Readonly<Record<string, string | undefined>>): readonly PaperFact[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [{ name, value }],
  );
}

function amount({ value, unit }: Amount): string {
  return `${value} ${unit}`;
}

function listed(values: readonly string[]): string {
  return values.join(', ');
}
