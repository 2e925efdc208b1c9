/** `bondline-wallet status`, `suspend`, `reinstate`, `revoke`: what is said of what was signed. */

import { formatTime } from '../../runtime.ts';
import { readArguments, usage } from '../arguments.ts';
import { help } from '../help.ts';
import { type Change, type Replacement, replacementsOf, statusOf } from '../status.ts';
import { openWallet, type Wallet, type WalletContext } from '../wallet.ts';
import type { Member, WalletKey } from '../wallet-file.ts';
import { type Answer, type Command, next } from './command.ts';

export async function status(args: readonly string[], context: WalletContext): Promise<Answer> {
  const read = readArguments(args, { positionals: 1 });
  if (read.has('help')) return help.status;
  const [folder = ''] = read.positionals;
  const wallet = openWallet(folder, context);
  const { json, lines } = listed(wallet, () => true);
  const keys = wallet.keys.map((key, at) => ({ ...keyOf(key), ...newer(wallet.keys[at + 1]) }));
  const answer = { ...json, keys };
  // A key that never changed says nothing that the enrolments do not.
  const keyLines = keys.length > 1 ? keys.map(lineOfKey) : [];
  if (lines.length > 0) return { json: answer, lines: [...keyLines, ...lines] };
  const hint = next(`bondline-wallet enrol ${folder} --request FILE … (see enrol --help)`);
  return { json: answer, lines: [...keyLines, 'nothing was signed yet', ...hint] };
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
  const replacements = replacementsOf(members);
  const shown = members
    .map((member, at) => ({ ...member, status: statusOf(member), ...replacements[at] }))
    .filter(({ index }) => isShown(index));
  const shownPapers = papers
    .filter(({ index }) => isShown(index))
    .map((paper) => ({ ...paper, status: statusOf(paper) }));
  return {
    json: { organisation: did, members: shown, papers: shownPapers },
    lines: [
      ...shown.map((member) =>
        [
          ...[member.status.padEnd(9), member.label, member.device, member.enrolment],
          ...replaced(member),
        ].join('  '),
      ),
      ...shownPapers.map(({ kind, number, about, id, status: word }) =>
        [word.padEnd(9), kind, number, about, id].join('  '),
      ),
    ],
  };
}

/** Which key an enrolment's key replaced, and what replaced it, in words. */
function replaced({
  supersedes,
  replacedBy,
  reissuedAs,
}: Pick<Member, 'supersedes'> & Replacement): string[] {
  return [
    ...(supersedes === undefined ? [] : [`replaces ${supersedes}`]),
    ...(replacedBy === undefined ? [] : [`replaced by ${replacedBy}`]),
    ...(reissuedAs === undefined ? [] : [`signed anew as ${reissuedAs}`]),
  ];
}

interface KeyShown {
  readonly keyId: string;
  readonly status: 'signs' | 'expires' | 'revoked';
  readonly created: string;
  /** When an older key ends, or was revoked. */
  readonly until?: string;
  readonly replacedBy?: string;
}

function keyOf({ createdMs, expiresMs, keyId, revokedMs }: WalletKey): KeyShown {
  const created = formatTime(createdMs);
  if (revokedMs !== undefined) {
    return { keyId, status: 'revoked', created, until: formatTime(revokedMs) };
  }
  if (expiresMs === undefined) return { keyId, status: 'signs', created };
  return { keyId, status: 'expires', created, until: formatTime(expiresMs) };
}

function newer(key: WalletKey | undefined): Pick<KeyShown, 'replacedBy'> {
  return key === undefined ? {} : { replacedBy: key.keyId };
}

function lineOfKey({ keyId, replacedBy, status: word, until }: KeyShown): string {
  const end = until === undefined ? [] : [until];
  const by = replacedBy === undefined ? [] : [`replaced by ${replacedBy}`];
  return [word.padEnd(9), 'your key', keyId, ...end, ...by].join('  ');
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
