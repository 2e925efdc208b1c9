/**
 * Each line of the trade programme's profile as a check of our code. Lines that need the exchange
 * interface (OAuth 2.0, `/presentations`, `/credentials/{id}`) are open until there is one.
 */
import type { Case, Excused, Suite } from '../case.ts';
import type { Vectors } from '../vectors.ts';
import { credentialChecks } from './trade-profile-credentials.ts';
import { identityChecks } from './trade-profile-identity.ts';
import { presentationChecks } from './trade-profile-presentations.ts';

interface Requirement {
  readonly id: string;
  readonly level: string;
  readonly requirement: string;
}

/** What a line asks of our code; it throws when that does not hold. */
export type Check = (vectors: Vectors) => void | Promise<void>;

const checks: Readonly<Record<string, Check>> = {
  ...credentialChecks,
  ...identityChecks,
  ...presentationChecks,
};

/** Lines about the exchange interface, and what of it they need. */
const OPEN: Readonly<Record<string, string>> = {
  'DHS-7': 'needs the exchange interface',
  'TI-2': 'needs the OAuth 2.0 token endpoint of the exchange interface',
  'TI-5': 'needs POST /presentations',
  'TI-6': 'needs POST /presentations',
  'TI-9': 'needs GET /credentials/{id}',
};

export const tradeProfileSuite: Suite = {
  name: 'CBP trade profile',
  folder: 'cbp-trade-profile',
  cases: (vectors) =>
    vectors
      .files(/\.json$/)
      .flatMap((file) =>
        vectors
          .json<{ requirements: readonly Requirement[] }>(file)
          .requirements.map((line) => caseOf(vectors, line)),
      ),
};

function caseOf(vectors: Vectors, { id, level, requirement }: Requirement): Case | Excused {
  const name = `${id} (${level}) ${requirement.slice(0, 70)}`;
  const reason = OPEN[id];
  if (reason !== undefined) return { name, excuse: 'open', reason };
  return {
    name,
    run: () => {
      const check = checks[id];
      // A line that nobody has looked at is not fulfilled.
      if (!check) throw new Error('there is no check for it');
      return check(vectors);
    },
  };
}
