/** `bondline-wallet sign`: every kind from the file that its help shows, and what it refuses. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openToken, verifyToken } from '../../../../devices/credential/jws.ts';
import { checkSigners } from '../../../../devices/credential/party/document.ts';
import { readParty } from '../../../../devices/credential/party/families.ts';
import { withoutProof } from '../../../../devices/credential/proof/proof.ts';
import { isRefusal } from '../../../../devices/credential/refusal.ts';
import {
  decodeStatusList,
  readStatusList,
  statusBit,
} from '../../../../devices/credential/status-list.ts';
import {
  assertionKeyOf,
  type DidDocument,
  readDidDocument,
} from '../../../../devices/identity/did-document.ts';
import { systemClock, systemRandom } from '../../../../devices/runtime.ts';
import { runWallet } from '../../../../devices/wallet/commands.ts';

const nowMs = Date.parse('2026-11-22T00:00:00Z');
const from = 'did:web:northline.example';
const to = 'did:web:lakeside.example';

let folder = '';

/** Runs a command; `@` before a word stands for the test's folder. */
async function run(...words: string[]) {
  const args = words.map((word) => word.replace(/^@/, `${folder}/`));
  const said = { out: '', err: '' };
  const code = await runWallet(
    args,
    {
      out: (text) => {
        said.out += text;
      },
      err: (text) => {
        said.err += text;
      },
    },
    { clock: { ...systemClock, nowMs: () => nowMs }, random: systemRandom },
  );
  return { code, ...said };
}

const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const bytesOf = (name: string) => readFileSync(join(folder, name));
const jsonOf = (name: string) => JSON.parse(bytesOf(name).toString('utf8'));

function documentOf(wallet: string): DidDocument {
  const document = readDidDocument(jsonOf(join(wallet, 'did.json')));
  if (isRefusal(document)) throw new Error(document.reason);
  return document;
}

const documents = {
  didDocument: (did: string) => [documentOf('a'), documentOf('b')].find(({ id }) => id === did),
};

/** The file that the help of a kind shows. */
async function exampleOf(...kind: string[]): Promise<string> {
  const { out } = await run('sign', ...kind, '--help');
  const found = /for example:\n\n([\s\S]*?)\n\n {2}--wallet/.exec(out)?.[1];
  if (found === undefined) throw new Error(`no example in ${out}`);
  return found;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wallet-sign-'));
  write('pass', 'secret\n');
  for (const [name, did, label] of [
    ['@a', from, 'Northline Pipelines'],
    ['@b', to, 'Lakeside Terminals'],
  ] as const) {
    const made = await run(
      ...['init', name, '--did', did, '--name', label, '--passphrase-file', '@pass'],
    );
    expect(made.err).toBe('');
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('bondline-wallet sign', () => {
  const kinds = [
    ['ticket'],
    ['mill-test-report'],
    ['inspection'],
    ['event'],
    ['movement'],
    ['standing', 'ctpat'],
    ['standing', 'aeo'],
    ['bond'],
    ['calibration'],
  ];

  it.each(kinds)('signs the example of %s %s', async (...kind) => {
    const words = kind.filter((word) => word !== undefined);
    const name = words.join('-');
    const text = await exampleOf(...words);
    // Nobody is his own surety, so the bond of the example is for another than the one who signs.
    write(`${name}.yaml`, text.replace(`principal: { id: "${from}"`, `principal: { id: "${to}"`));
    const command = ['sign', ...words, `@${name}.yaml`, '--wallet', '@a', '--form', 'proof'];
    const done = await run(...command);
    expect(done.err).toBe('');
    expect(done.out).toContain('Northline Pipelines signed: ');
    expect(done.out).toContain('bondline-ingest submit');
    const document = jsonOf(`${name}.signed.json`);
    expect(checkSigners(document, [from], { documents, atMs: nowMs })).toBeUndefined();
    expect(readParty(withoutProof(document))).toMatchObject({ issuer: { id: from } });
  });

  it('signs tokens by the agent, and a correction that names one by its file', async () => {
    write('wrong.yaml', await exampleOf('ticket'));
    expect((await run('sign', 'ticket', '@wrong.yaml', '--wallet', '@a')).err).toBe('');
    const opened = openToken(bytesOf('wrong.jwt'), 1_000_000);
    if (isRefusal(opened)) throw new Error(opened.reason);
    const key = assertionKeyOf(documentOf('a'), opened.header.kid, nowMs);
    expect(!isRefusal(key) && verifyToken(opened, key)).toBe(true);
    const example = await exampleOf('correction');
    write(
      'fix.yaml',
      example.replace('ticket.jwt', 'wrong.jwt').replace('ticket-2.jwt', 'wrong.jwt'),
    );
    const fixed = await run('sign', 'correction', '@fix.yaml', '--wallet', '@a', '--form', 'proof');
    expect(fixed.err).toBe('');
    expect(readParty(withoutProof(jsonOf('fix.signed.json')))).toMatchObject({
      kind: 'correction',
      corrects: { digest: opened.digest, id: opened.payload['id'] },
    });
  });

  it('names every mistake with its line, and signs nothing', async () => {
    write(
      'bad.yaml',
      ['number: 5', 'goods: heat', 'opened: 2026-02-30T10:00:00Z', 'clsoed: now', ''].join('\n'),
    );
    const bad = await run('sign', 'ticket', '@bad.yaml', '--wallet', '@a');
    expect(bad.code).toBe(1);
    expect(bad.err).toMatch(/bad\.yaml:1:1: number: /);
    expect(bad.err).toMatch(/bad\.yaml:4:1: .*did you mean "closed"/);
    const text = await exampleOf('ticket');
    write('day.yaml', text.replace('2026-11-21T10', '2026-02-30T10'));
    const day = await run('sign', 'ticket', '@day.yaml', '--wallet', '@a');
    expect(day.err).toMatch(/day\.yaml:\d+:\d+: opened: .*no day or time that there is/);
    write('back.yaml', text.replace('closed: 2026-11-21T11', 'closed: 2026-11-21T09'));
    const back = await run('sign', 'ticket', '@back.yaml', '--wallet', '@a');
    expect(back.err).toContain('the ticket closes before it opens');
    expect(() => bytesOf('back.jwt')).toThrow();
  });

  it('shows what can be signed, and says so of what cannot', async () => {
    const all = await run('sign', '--help');
    for (const [kind = ''] of kinds) expect(all.out).toContain(kind);
    expect(all.out).toContain('custody accept');
    const strange = await run('sign', 'constructor', '@x', '--wallet', '@a');
    expect(strange).toMatchObject({ code: 2 });
    expect(strange.err).toContain('constructor cannot be signed');
  });
});

describe('bondline-wallet sign custody', () => {
  it('goes from one wallet to the other as one document with two proofs', async () => {
    write('step.yaml', await exampleOf('custody', 'release'));
    expect((await run('sign', 'custody', 'release', '@step.yaml', '--wallet', '@a')).err).toBe('');
    const blind = await run('sign', 'custody', 'accept', '@step.signed.json', '--wallet', '@b');
    expect(blind.err).toMatch(/VC_DOCUMENT_MISSING.*--documents/s);
    const command = ['sign', 'custody', 'accept', '@step.signed.json', '--wallet', '@b'];
    const accepted = await run(...command, '--documents', '@a', '--json');
    expect(accepted.err).toBe('');
    const document = jsonOf('step.accepted.json');
    expect(document.proof).toHaveLength(2);
    expect(document.proof[1].previousProof).toBe(document.proof[0].id);
    expect(checkSigners(document, [from, to], { documents, atMs: nowMs })).toBeUndefined();
    // The next step names this one; the half that nobody accepted cannot be named.
    const { signed } = JSON.parse(accepted.out) as { signed: { digest: string }[] };
    const next = `goods: did:web:northline.example/batch/CDB-0284\nto: { id: "${from}", name: N }\n`;
    write('next.yaml', `${next}previous: step.accepted.json\n`);
    expect((await run('sign', 'custody', 'release', '@next.yaml', '--wallet', '@b')).err).toBe('');
    expect(jsonOf('next.signed.json').relatedResource[0].digestMultibase).toBe(signed[0]?.digest);
    write('half.yaml', `${next}previous: step.signed.json\n`);
    const half = await run('sign', 'custody', 'release', '@half.yaml', '--wallet', '@b');
    expect(half.err).toContain('nobody accepted it');
  });

  it('goes as two tokens, of which the second names the first', async () => {
    write('two.yaml', await exampleOf('custody', 'release'));
    const release = ['sign', 'custody', 'release', '@two.yaml', '--wallet', '@a', '--form', 'jwt'];
    expect((await run(...release)).err).toBe('');
    const accept = ['sign', 'custody', 'accept', '@two.jwt', '--wallet', '@b', '--documents', '@a'];
    expect((await run(...accept)).err).toBe('');
    const [first, second] = ['two.jwt', 'two.accepted.jwt'].map((name) =>
      openToken(bytesOf(name), 1_000_000),
    );
    if (!first || !second || isRefusal(first) || isRefusal(second)) throw new Error('no tokens');
    expect(readParty(second.payload)).toMatchObject({
      act: 'acceptance',
      release: { digest: first.digest, id: first.payload['id'] },
      issuer: { id: to },
      seals: [{ number: 'NL-4711' }],
    });
  });

  it('accepts nothing that was changed, or that is for another', async () => {
    write('other.yaml', await exampleOf('custody', 'release'));
    await run('sign', 'custody', 'release', '@other.yaml', '--wallet', '@a');
    const text = bytesOf('other.signed.json').toString('utf8');
    write('changed.json', text.replace('15000.25', '95000.25'));
    const accept = (file: string, wallet: string) =>
      run('sign', 'custody', 'accept', file, '--wallet', wallet, '--documents', '@a');
    expect((await accept('@changed.json', '@b')).err).toContain('VC_SIGNATURE');
    expect((await accept('@other.signed.json', '@a')).err).toContain('not to did:web:northline');
    expect(() => bytesOf('changed.accepted.json')).toThrow();
  });
});

describe('what can be taken back', () => {
  const listIn = (purpose: string) => {
    const opened = openToken(bytesOf(`public/status/${purpose}.jwt`), 1_000_000);
    const list = isRefusal(opened) ? opened : readStatusList(opened.payload);
    if (isRefusal(list)) throw new Error(list.reason);
    const bits = decodeStatusList(list.encodedList);
    if (isRefusal(bits)) throw new Error(bits.reason);
    return { id: list.id, isSet: (index: number) => statusBit(bits, index) === 1 };
  };
  const statusOf = (name: string) => {
    const statement = readParty(withoutProof(jsonOf(name)));
    if (statement === undefined || isRefusal(statement)) throw new Error('no statement');
    return statement.status;
  };

  it('has an entry of the lists of its own, by which it is suspended, reinstated and revoked', async () => {
    await run('init', '@c', '--did', from, '--name', 'Surety', '--passphrase-file', '@pass');
    const example = (await exampleOf('bond')).replace(`id: "${from}"`, `id: "${to}"`);
    write('one.yaml', example);
    write('two.yaml', example.replace('26B004711', '26B004712'));
    write('cal.yaml', await exampleOf('calibration'));
    for (const [kind, file] of [
      ['bond', 'one'],
      ['bond', 'two'],
      ['calibration', 'cal'],
    ] as const) {
      const done = await run('sign', kind, `@${file}.yaml`, '--wallet', '@c', '--form', 'proof');
      expect(done.err).toBe('');
    }
    const entries = ['one', 'two', 'cal'].map((name) => statusOf(`${name}.signed.json`));
    const indexes = entries.map(([entry]) => entry?.index ?? -1);
    expect(new Set(indexes).size).toBe(3);
    expect(entries[0]).toEqual(
      ['revocation', 'suspension'].map((purpose) => ({
        purpose,
        list: `https://northline.example/status/${purpose}.jwt`,
        index: indexes[0],
      })),
    );
    const listed = JSON.parse((await run('status', '@c', '--json')).out);
    expect(listed.papers).toMatchObject([
      { kind: 'bond', number: '26B004711', about: to, status: 'active', index: indexes[0] },
      { number: '26B004712' },
      { kind: 'calibration', number: 'CAL-2026-118' },
    ]);
    const said = async (...words: string[]) => {
      const done = await run(...words, '--out', '@public');
      expect(done.err).toBe('');
      return {
        word: done.out.split(/\s/)[0],
        set: ['revocation', 'suspension'].map((purpose) =>
          indexes.map((index) => listIn(purpose).isSet(index)),
        ),
      };
    };
    const none = [false, false, false];
    expect(await said('suspend', '@c', '26B004712')).toEqual({
      word: 'suspended',
      set: [none, [false, true, false]],
    });
    expect(await said('reinstate', '@c', '26B004712')).toEqual({
      word: 'active',
      set: [none, none],
    });
    expect(await said('revoke', '@c', listed.papers[0].id)).toEqual({
      word: 'revoked',
      set: [[true, false, false], none],
    });
    const back = await run('reinstate', '@c', '26B004711');
    expect(back.err).toContain('the bond 26B004711 is revoked');
    expect((await run('revoke', '@c', '26B00')).err).toContain(
      'nothing that was signed is "26B00"',
    );
  });

  it('keeps to the entries that its form names, and gives none to what only happened', async () => {
    const own =
      'status: [{ purpose: revocation, list: "https://northline.example/l", index: 3 }]\n';
    write('own.yaml', `${await exampleOf('calibration')}\n${own}`);
    await run('sign', 'calibration', '@own.yaml', '--wallet', '@c', '--form', 'proof');
    expect(statusOf('own.signed.json')).toMatchObject([{ index: 3 }]);
    write('plain.yaml', await exampleOf('ticket'));
    await run('sign', 'ticket', '@plain.yaml', '--wallet', '@c', '--form', 'proof');
    expect(statusOf('plain.signed.json')).toEqual([]);
    expect(JSON.parse((await run('status', '@c', '--json')).out).papers).toHaveLength(3);
  });

  it('takes no entry when it cannot be signed', async () => {
    const self = (await exampleOf('bond')).replaceAll(to, from);
    write('self.yaml', self);
    expect((await run('sign', 'bond', '@self.yaml', '--wallet', '@c')).code).toBe(1);
    expect(JSON.parse((await run('status', '@c', '--json')).out).papers).toHaveLength(3);
  });
});
