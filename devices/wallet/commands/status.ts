/** `bondline-wallet status`, `suspend`, `reinstate` and `revoke`: what is said of enrolments. */
import { readArguments, usage } from '../arguments.ts';
import { help } from '../help.ts';
import { type Change, statusOf } from '../status.ts';
import { openWallet, type WalletContext } from '../wallet.ts';
import type { Member } from '../wallet-file.ts';
import { type Answer, type Command, next } from './command.ts';

export async function status(args: readonly string[], context: WalletContext): Promise<Answer> {
  const read = readArguments(args, { positionals: 1 });
  if (read.has('help')) return help.status;
  const [folder = ''] = read.positionals;
  const { did, members } = openWallet(folder, context);
  return listed(did, members);
}

/** The command that makes one change to every enrolment that is named. */
export function changing(change: Change): Command {
  return async (args, context) => {
    const read = readArguments(args, { single: ['out'], positionals: [2, 100] });
    if (read.has('help')) return help[change];
    const [folder = '', ...names] = read.positionals;
    const wallet = openWallet(folder, context);
    const indexes = names.flatMap((name) => indexesOf(wallet.members, name));
    const changed = await wallet.setStatus(indexes, change);
    const out = read.one('out');
    if (out !== undefined) await wallet.publish(out);
    const { json, lines } = listed(wallet.did, changed);
    const effect =
      out === undefined
        ? next(`bondline-wallet publish ${folder} --out published   (only then does it count)`)
        : next(`let your web server show ${out}; bondline-ingest trust CONFIG add ${out}`);
    return { json, lines: [...lines, ...effect] };
  };
}

function listed(organisation: string, members: readonly Member[]) {
  const shown = members.map((member) => ({ ...member, status: statusOf(member) }));
  return {
    json: { organisation, members: shown },
    lines: shown.map(({ label, device, enrolment, status: word }) =>
      [word.padEnd(9), label, device, enrolment].join('  '),
    ),
  };
}

/** Entries of all enrolments that a label, device DID or enrolment id names. */
function indexesOf(members: readonly Member[], named: string): readonly number[] {
  const found = members.filter(
    ({ label, device, enrolment }) => named === label || named === device || named === enrolment,
  );
  if (found.length === 0) throw usage(`no enrolment is of "${named}"; status lists them`);
  return found.map(({ index }) => index);
}
