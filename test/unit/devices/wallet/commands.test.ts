import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { composeEnrolRequest } from '../../../../devices/credential/enrol-request.ts';
import { systemClock, systemRandom } from '../../../../devices/runtime.ts';
import { runWallet } from '../../../../devices/wallet/commands.ts';
import { verifyCommand } from '../../../../ingest/commands/verify.ts';
import { memorySigner } from '../../../support/identity.ts';
import { someProfile } from '../../../support/signed-batch.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wallet-cli-'));
  writeFileSync(join(folder, 'pass'), 'secret\n');
  writeFileSync(
    join(folder, 'facility.json'),
    JSON.stringify({
      id: 'did:web:mill.example/facility/a',
      name: 'A',
      latitude: 43,
      longitude: -79,
    }),
  );
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command; `@` before a word stands for the test's folder. */
async function run(...words: string[]): Promise<Run> {
  const args = words.map((word) => word.replace(/^@/, `${folder}/`));
  let [out, err] = ['', ''];
  const output = {
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
  };
  const context = { clock: systemClock, random: systemRandom };
  const code = await runWallet(args, output, context);
  return { code, out, err };
}

const init = [
  'init',
  '@w',
  '--did',
  'did:web:mill.example',
  '--name',
  'Mill',
  '--passphrase-file',
  '@pass',
];
const enrol = [
  'enrol',
  '@w',
  '--facility',
  '@facility.json',
  '--goods',
  'did:web:mill.example/heat/',
];

async function request(name: string, label = name): Promise<string> {
  const device = memorySigner();
  const token = await composeEnrolRequest(
    {
      label,
      profile: someProfile,
      cadenceMs: 1000,
      heartbeatMs: 60_000,
      keyLocation: 'gateway-file',
      requestedMs: 0,
    },
    { device, gateway: memorySigner() },
  );
  writeFileSync(join(folder, name), Buffer.concat([token, Buffer.from('\n')]));
  return device.did;
}

describe('bondline-wallet', () => {
  it('goes the whole way: init, enrol, publish, and the verdict of bondline-ingest verify', async () => {
    expect((await run(...init)).code).toBe(0);
    const devices = [await request('one'), await request('two')];
    const words = [...enrol, '--request', '@one', '@two', '--goods', 'did:web:mill.example/coil/'];
    const parties = [
      '--owner',
      'did:web:own.example=Own = er',
      '--bond-liable',
      'did:web:b.example=B',
    ];
    const enrolled = await run(...words, ...parties, '--out', '@docs', '--json');
    expect(enrolled).toMatchObject({ code: 0, err: '' });
    const answer = JSON.parse(enrolled.out);
    expect(answer.organisation).toBe('did:web:mill.example');
    expect(answer.enrolled.map(({ device }: { device: string }) => device)).toEqual(devices);
    expect((await run('publish', '@w', '--out', '@docs')).code).toBe(0);

    const lines: string[] = [];
    const io = { out: (text: string) => void lines.push(text), err: () => {} };
    const files = ['one', 'two'].map((name) => join(folder, 'docs', `${name}.jwt`));
    const exit = await verifyCommand([...files, '--documents', join(folder, 'docs'), '--json'], io);
    expect(exit).toBe(0);
    expect(lines.map((line) => JSON.parse(line).verdict)).toEqual(['valid', 'valid']);

    const payload = readFileSync(files[0] ?? '', 'utf8').split('.')[1] ?? '';
    const { credentialSubject } = JSON.parse(Buffer.from(payload, 'base64url').toString());
    expect(credentialSubject).toMatchObject({
      'bl:goods': ['did:web:mill.example/heat/', 'did:web:mill.example/coil/'],
      'bl:owner': { id: 'did:web:own.example', name: 'Own = er' },
      'bl:bondLiable': { id: 'did:web:b.example', name: 'B' },
    });
  });

  it('lists enrolments and changes their status', async () => {
    await run(...init);
    expect((await run('status', '@w')).out).toMatch(/^nothing was signed yet\nnext: .* enrol /);
    const device = await request('one');
    await run(...enrol, '--request', '@one', '--out', '@docs');
    expect((await run('status', '@w')).out).toMatch(/^active +one/);
    expect((await run('suspend', '@w', 'one')).out).toMatch(/^suspended +one/);
    expect((await run('status', '@w')).out).toMatch(/^suspended +one/);
    expect((await run('reinstate', '@w', device)).out).toMatch(/^active/);
    const revoked = JSON.parse((await run('revoke', '@w', 'one', '--json')).out);
    expect(revoked.members).toMatchObject([{ device, status: 'revoked' }]);
    expect(await run('revoke', '@w', 'nobody')).toMatchObject({ code: 2 });
    expect(await run('reinstate', '@w', 'one')).toMatchObject({ code: 1 });
  });

  it('replaces the organisation’s key, and a file of one device never another’s', async () => {
    await run(...init);
    await request('one');
    await run(...enrol, '--request', '@one', '--out', '@north');
    await request('again', 'one');
    await run(...enrol, '--request', '@again', '--out', '@south');
    const rotated = await run('rotate', '@w', '--organisation', '--out', '@docs', '--json');
    expect(rotated).toMatchObject({ code: 0, err: '' });
    const files = JSON.parse(rotated.out).enrolled.map(({ file }: { file: string }) => file);
    expect(new Set(files).size).toBe(2);
    expect(files.every((file: string) => existsSync(file))).toBe(true);
    await run('publish', '@w', '--out', '@docs');
    const io = { out: () => {}, err: () => {} };
    expect(await verifyCommand([...files, '--documents', join(folder, 'docs')], io)).toBe(0);
  });

  it('says which key replaced which', async () => {
    await run(...init);
    const signers = { old: memorySigner(), next: memorySigner(), gateway: memorySigner() };
    const { old, next, gateway } = signers;
    const asked = { label: 'one', profile: someProfile, cadenceMs: 1000, heartbeatMs: 60_000 };
    const terms = { ...asked, keyLocation: 'gateway-file', requestedMs: 0 } as const;
    const first = await composeEnrolRequest(terms, { device: old, gateway });
    writeFileSync(join(folder, 'one'), first);
    await run(...enrol, '--request', '@one', '--out', '@docs');
    expect((await run('status', '@w')).out).not.toMatch(/replace|anew|your key/);
    const again = { device: next, gateway, superseded: old };
    writeFileSync(join(folder, 'two'), await composeEnrolRequest(terms, again));
    expect(await run('rotate', '@w', '--request', '@two', '--out', '@docs')).toMatchObject({
      code: 0,
    });
    const { out } = await run('status', '@w');
    expect(out).toMatch(new RegExp(`^active +one +${old.did} .* replaced by ${next.did}$`, 'm'));
    expect(out).toMatch(new RegExp(`^active +one +${next.did} .* replaces ${old.did}$`, 'm'));

    await run('rotate', '@w', '--organisation', '--compromised', '--out', '@docs');
    const keys = ['key-1', 'key-2'].map((name) => `did:web:mill.example#${name}`);
    const lines = (await run('status', '@w')).out.split('\n');
    expect(lines[0]).toMatch(
      new RegExp(`^revoked +your key +${keys[0]} .* replaced by ${keys[1]}`),
    );
    expect(lines[1]).toMatch(new RegExp(`^signs +your key +${keys[1]}$`));
    const { keys: shown, members } = JSON.parse((await run('status', '@w', '--json')).out);
    expect(shown).toMatchObject([
      { keyId: keys[0], status: 'revoked', replacedBy: keys[1] },
      { keyId: keys[1], status: 'signs' },
    ]);
    expect(members).toMatchObject([
      { device: old.did, replacedBy: next.did },
      { device: next.did, supersedes: old.did, reissuedAs: members[2].enrolment },
      { device: next.did, supersedes: old.did },
    ]);
    expect(members[0].reissuedAs ?? members[1].replacedBy ?? members[2].reissuedAs).toBeUndefined();
  });

  it('enrols devices for an organisation that is its key, and says where its lists stand', async () => {
    const own = [...init.slice(0, 2), '--did-method', 'jwk', ...init.slice(4)];
    const made = await run(...own, '--status-url', 'https://files.example/mill');
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/wallet enrol/) });
    await request('one');
    const words = [...enrol, '--request', '@one', '--out', '@docs', '--publish', '@docs'];
    expect(await run(...words)).toMatchObject({ code: 0 });
    const moved = await run('publish', '@w', '--out', '@x', '--status-url', 'https://b.example');
    expect(moved).toMatchObject({ code: 2, err: expect.stringMatching(/files\.example\/mill/) });
    const { out } = await run('publish', '@w', '--out', '@docs', '--form', 'both');
    expect(out).toContain('let the web server of https://files.example/mill show');
    const io = { out: () => {}, err: () => {} };
    const file = join(folder, 'docs', 'one.jwt');
    expect(await verifyCommand([file, '--documents', join(folder, 'docs')], io)).toBe(0);
    await run('revoke', '@w', 'one', '--out', '@docs');
    expect(await verifyCommand([file, '--documents', join(folder, 'docs')], io)).not.toBe(0);
  });

  it.each<[string, string[], RegExp]>([
    [
      'an address in place of a DID',
      ['init', '@x', '--did', 'https://mill.example/a', ...init.slice(4)],
      /for https:\/\/mill\.example say did:web:mill\.example/,
    ],
    ['no command', [], /^$/],
    ['an unknown command', ['mint'], /no command mint/],
    ['a word of an object', ['constructor'], /no command constructor/],
    ['an unknown option', ['publish', '@w', '--force'], /--force/],
    ['a missing option', ['init', '@w', '--did', 'did:web:a.example'], /--name is required/],
    ['no folder', ['publish', '--out', '@x'], /argument/],
    ['a missing request', enrol, /--request is required/],
    ['goods that are no URI', [...enrol, '--request', '@one', '--goods', 'heat'], /not a URI/],
    [
      'a party without a name',
      [...enrol, '--request', '@one', '--owner', 'did:web:a.example'],
      /DID=NAME/,
    ],
    ['a time that is none', [...enrol, '--request', '@one', '--valid-until', 'May'], /not a time/],
    [
      'one option twice',
      [...enrol, '--request', '@one', '--out', 'a', '--out', 'b'],
      /more than once/,
    ],
    ['a rotation of nothing', ['rotate', '@w'], /--request FILE/],
    ['a rotation of both', ['rotate', '@w', '--organisation', '--request', '@one'], /give one/],
    [
      'an end for a key of a device',
      ['rotate', '@w', '--request', '@one', '--compromised'],
      /belong to --organisation/,
    ],
    ['nobody to revoke', ['revoke', '@w'], /argument/],
    ['a form of no list', ['publish', '@w', '--out', '@x', '--form', 'pdf'], /--form takes/],
    [
      'lists that leave their address empty',
      ['publish', '@w', '--out', '@x', '--form', 'data-integrity'],
      /credentials name the address of status.*--form both/,
    ],
    [
      'an address for lists of a did:web',
      [...init, '--status-url', 'https://files.example'],
      /--status-url is for did:key and did:jwk/,
    ],
    [
      'an address that is none',
      [...init.slice(0, 2), '--did-method', 'key', ...init.slice(4), '--status-url', 'http://a.b'],
      /no plain https address/,
    ],
    [
      'a method that there is not',
      ['init', '@w', '--did-method', 'ion', '--name', 'A', '--passphrase-file', '@pass'],
      /web, key or jwk/,
    ],
    ['a name for a key that is its own', [...init, '--did-method', 'key'], /made of its key/],
    ['two requests of one name', [...enrol, '--request', '@one', '@again'], /two requests/],
  ])('answers 2 to %s', async (_, words, message) => {
    await request('one');
    await request('again', 'one');
    const { code, err } = await run(...words);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(existsSync(join(folder, 'w'))).toBe(false);
  });

  it('signs nothing when one of several requests is not in order', async () => {
    await run(...init);
    await request('one');
    writeFileSync(join(folder, 'bad'), 'x.y.z');
    const refused = await run(...enrol, '--request', '@one', '@bad', '--out', '@docs');
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/WALLET_REQUEST_INVALID.*bad.*VC_/);
    expect(existsSync(join(folder, 'docs'))).toBe(false);
    expect((await run('status', '@w')).out).toMatch(/^nothing was signed yet/);
    const absent = await run(...enrol, '--request', '@absent');
    expect(absent).toMatchObject({ code: 1, err: expect.stringMatching(/DOC_UNREADABLE/) });
  });

  it('tells every mistake of a facility file with its line', async () => {
    await run(...init);
    await request('one');
    const text = '{\n  "id": "neche",\n  "name": "N",\n  "latitude": 91,\n  "longitud": 1\n}\n';
    writeFileSync(join(folder, 'facility.json'), text);
    const { code, err } = await run(...enrol, '--request', '@one');
    expect(code).toBe(1);
    expect(err).toMatch(/facility\.json:2:/);
    expect(err).toMatch(/facility\.json:4:/);
    expect(err).toMatch(/did you mean "longitude"/);
  });

  it('says in one line what is wrong with the passphrase, and exits with 1', async () => {
    await run(...init);
    writeFileSync(join(folder, 'pass'), 'guess\n');
    const { code, err } = await run('publish', '@w', '--out', '@web');
    expect(code).toBe(1);
    expect(err).toMatch(/^bondline-wallet: KEY_PASSPHRASE_WRONG: [^\n]+\n$/);
    expect(existsSync(join(folder, 'web'))).toBe(false);
  });

  it('explains itself', async () => {
    expect((await run('--help')).out).toMatch(/Usage: bondline-wallet COMMAND/);
    for (const command of ['init', 'enrol', 'publish', 'status']) {
      const { code, out } = await run(command, '--help');
      expect(code).toBe(0);
      expect(out).toContain(`Usage: bondline-wallet ${command} DIR`);
    }
  });
});
