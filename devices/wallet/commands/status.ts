/** `bondline-wallet status`, `suspend`, `reinstate`, `revoke`: what is said of what was signed. */
import { readArguments, usage } from '../arguments.ts';
import { help } from '../help.ts';
import { type Change, statusOf } from '../status.ts';
import { openWallet, type Wallet, type WalletContext } from '../wallet.ts';
import { type Answer, type Command, next } from './command.ts';

export async function status(args: readonly string[], context: WalletContext): Promise<Answer> {
  const read = readArguments(args, { positionals: 1 });
  if (read.has('help')) return help.status;
  const [folder = ''] = read.positionals;
  const { json, lines } = listed(openWallet(folder, context), () => true);
  if (lines.length > 0) return { json, lines };
  const hint = next(`bondline-wallet enrol ${folder} --request FILE … (see enrol --help)`);
  return { json, lines: ['nothing was signed yet', ...hint] };
}

/** The command that makes one change to every enrolment that is named. */
export function changing(change: Change): Command {
  return async (args, context) => {
    const read = readArguments(args, { single: ['out'], positionals: [2, 100] });
    if (read.has('help')) return help[change];
    const [folder = '', ...names] = read.positionals;
    const wallet = openWallet(folder, context);
    const indexes = names.flatMap((name) => indexesOf(wallet, name));
    await wallet.setStatus(indexes, change);
    const out = read.one('out');
    if (out !== undefined) await wallet.publish(out);
    const { json, lines } = listed(wallet, (index) => indexes.includes(index));
    const effect =
      out === undefined
        ? next(`bondline-wallet publish ${folder} --out published   (only then does it count)`)
        : next(`let your web server show ${out}; bondline-ingest trust CONFIG add ${out}`);
    return { json, lines: [...lines, ...effect] };
  };
}

function listed({ did, members, papers }: Wallet, isShown: (index: number) => boolean) {
  const shown = members
    .filter(({ index }) => isShown(index))
    .map((member) => ({ ...member, status: statusOf(member) }));
  const shownPapers = papers
    .filter(({ index }) => isShown(index))
    .map((paper) => ({ ...paper, status: statusOf(paper) }));
  return {
    json: { organisation: did, members: shown, papers: shownPapers },
    lines: [
      ...shown.map(({ label, device, enrolment, status: word }) =>
        [word.padEnd(9), label, device, enrolment].join('  '),
      ),
      ...shownPapers.map(({ kind, number, about, id, status: word }) =>
        [word.padEnd(9), kind, number, about, id].join('  '),
      ),
    ],
  };
}

/**
 * Entries of all that is named: enrolments by label, device DID or their id; bonds, standings and
 * calibrations by their number or id, since one party may have several.
 */
function indexesOf({ members, papers }: Wallet, named: string): readonly number[] {
  const found = [
    ...members.filter(
      ({ label, device, enrolment }) => named === label || named === device || named === enrolment,
    ),
    ...papers.filter(({ number, id }) => named === number || named === id),
  ];
  if (found.length === 0) throw usage(`nothing that was signed is "${named}"; status lists all`);
  return found.map(({ index }) => index);
}
