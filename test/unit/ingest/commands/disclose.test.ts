import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openToken } from '../../../../devices/credential/jws.ts';
import { isRefusal } from '../../../../devices/credential/refusal.ts';
import { signBatchSelectively } from '../../../../devices/credential/sd-jwt-issue.ts';
import { formatTime, systemRandom } from '../../../../devices/runtime.ts';
import { runDisclose } from '../../../../ingest/commands/disclose.ts';
import { verifyCommand } from '../../../../ingest/commands/verify.ts';
import { readingGroups } from '../../../support/signed-batch.ts';
import { makeWorld, worldMs } from '../../../support/trust-world.ts';

const own = 'did:web:northline.example/batch/own';
const other = 'did:web:northline.example/batch/other';

let folder: string;
let printed = '';
const io = { out: (text: string) => (printed += text), err: (text: string) => (printed += text) };
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bondline-disclose-'));
  const world = makeWorld();
  const groups = [own, other].flatMap((about) =>
    readingGroups({ fromMs: worldMs, times: 3, points: 2, about }),
  );
  const plain = await world.device.next(worldMs + 9_000, { groups });
  const opened = openToken(plain, plain.length);
  if (isRefusal(opened)) throw new Error(opened.reason);
  const { signer } = world.device;
  const options = { payload: opened.payloadText, signer, random: systemRandom, decoys: true };
  writeFileSync(at('batch.sd-jwt'), await signBatchSelectively(options));
  writeFileSync(at('plain.jwt'), plain);
  writeFileSync(at('did.json'), world.document());
  writeFileSync(at('enrolment.jwt'), await world.enrolment());
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('bondline-ingest disclose', () => {
  it('shows one reading alone; it verifies, and the others stay hidden', async () => {
    const second = formatTime(worldMs + 1_000);
    const asked = ['--about', own, '--from', second, '--to', second, '--out', at('one.sd-jwt')];
    expect(runDisclose([at('batch.sd-jwt'), ...asked], io)).toBe(0);
    expect(printed).toContain('2 of 12 readings are shown');
    printed = '';
    const documents = ['--documents', folder, '--at', formatTime(worldMs + 60_000)];
    expect(await verifyCommand([at('one.sd-jwt'), ...documents], io)).toBe(0);
    expect(printed).toContain('parts are hidden');
    const text = readFileSync(at('one.sd-jwt'), 'latin1').split(/[.~]/);
    const clear = text.map((part) => Buffer.from(part, 'base64url').toString('utf8')).join();
    expect(clear).not.toContain(other);
    expect(clear).not.toContain(formatTime(worldMs));
  });

  it('does not verify when what is shown was changed', async () => {
    const [token = '', ...parts] = readFileSync(at('one.sd-jwt'), 'latin1').split('~');
    const forged = parts.map((part) => {
      const said = Buffer.from(part, 'base64url').toString('utf8').replaceAll('"CEL"', '"FAH"');
      return Buffer.from(said).toString('base64url');
    });
    writeFileSync(at('forged.sd-jwt'), [token, ...forged].join('~'));
    printed = '';
    const documents = ['--documents', folder, '--at', formatTime(worldMs + 60_000)];
    expect(await verifyCommand([at('forged.sd-jwt'), ...documents], io)).toBe(1);
    expect(printed).toContain('VC_DISCLOSURE');
  });

  it.each([
    ['a batch without disclosures', 'plain.jwt', ['--about', own], 'VC_DISCLOSURE'],
    ['nothing that was asked for', 'batch.sd-jwt', ['--about', `${own}s`], 'VC_DISCLOSURE'],
    ['no batch', 'did.json', [], 'VC_MALFORMED'],
    ['no file', 'absent', [], 'DOC_UNREADABLE'],
    ['no time', 'batch.sd-jwt', ['--from', 'noon'], 'CFG_USAGE'],
  ])('refuses %s', (_, file, more, code) => {
    const run = () => runDisclose([at(file), ...more, '--out', at('x')], io);
    expect(run).toThrow(expect.objectContaining({ code }));
  });
});
