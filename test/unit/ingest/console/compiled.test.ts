/**
 * The verification as it is compiled for the browser, in a realm without anything of Node and
 * without code from strings, held against the same code in Node: the same verdict, code and reason.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import fc from 'fast-check';
import { build } from 'vite';
import { beforeAll, describe, expect, it } from 'vitest';
import { composeBatch } from '../../../../devices/credential/batch-wire.ts';
import { type OpenedToken, openCompact, signToken } from '../../../../devices/credential/jws.ts';
import { showOnly, signBatchSelectively } from '../../../../devices/credential/sd-jwt-issue.ts';
import type { VerdictReport } from '../../../../devices/credential/verdict.ts';
import { verifyCredential } from '../../../../devices/credential/verify.ts';
import { credentialDigest } from '../../../../devices/envelope.ts';
import { digestMultibase, profileDigest } from '../../../../devices/profile.ts';
import { steelLine } from '../../../../devices/profiles/steel-line.ts';
import { systemRandom } from '../../../../devices/runtime.ts';
import type { BrowserVerdict, Question } from '../../../../ingest/console/verify/verifier.ts';
import { pinned } from '../../../conformance/judge.ts';
import {
  enrol,
  memoryEd25519,
  memoryOrganisation,
  memorySigner,
} from '../../../support/identity.ts';
import { hasShared, sharedPath } from '../../../support/shared.ts';

const folder = new URL('../../../../ingest/console/verify/', import.meta.url);

let verifyEvidence: (question: Question) => BrowserVerdict;

beforeAll(async () => {
  const { verification } = (await import(new URL('build-plugin.mjs', folder).href)) as {
    verification: () => import('vite').Plugin;
  };
  const entry = fileURLToPath(new URL('verifier.ts', folder));
  const built = await build({
    configFile: false,
    logLevel: 'warn',
    plugins: [verification()],
    build: { write: false, minify: false, lib: { entry, formats: ['iife'], name: 'compiled' } },
  });
  const [bundle] = built as { output: readonly { readonly code?: string }[] }[];
  const browser = createContext(
    { TextDecoder, TextEncoder, URL, performance },
    { codeGeneration: { strings: false, wasm: false } },
  );
  runInContext(bundle?.output[0]?.code ?? '', browser);
  verifyEvidence = runInContext('(question) => compiled.verifyEvidence(question)', browser);
  // The realm is what it is said to be: what needs Node, or makes code, fails there.
  expect(runInContext('typeof process + typeof Buffer + typeof require', browser)).toBe(
    'undefinedundefinedundefined',
  );
  expect(() => runInContext("new Function('return 1')", browser)).toThrow('Code generation');
}, 180_000);

/** What the page would be told of a credential. */
function inBrowser(credentials: readonly string[], documents: readonly unknown[], atMs: number) {
  const evidence = JSON.stringify({ bondlineEvidence: 1, credentials, documents });
  const [link] = verifyEvidence({ evidence, shown: { tokens: [], readings: [] }, atMs }).links;
  return link && { verdict: link.verdict, code: link.code, reason: link.reason, hint: link.hint };
}

function told({ verdict, code, reason, hint }: VerdictReport) {
  return { verdict, code, reason, hint };
}

describe.skipIf(!hasShared)('over the derived vectors, the browser decides as Node', () => {
  it.each(['vc-jwt', 'data-integrity-jcs'])('about each case of %s', (name) => {
    const file = sharedPath('vectors', 'derived-proofs', `${name}.json`);
    const { didDocuments, cases } = JSON.parse(readFileSync(file, 'utf8')) as {
      didDocuments?: Record<string, unknown>;
      cases: { id: string; now: string; jwt?: string; raw?: string; document?: unknown }[];
    };
    const documents = Object.values(didDocuments ?? {});
    const codes = new Set<string>();
    for (const { id, now, jwt, raw, document } of cases) {
      const text = jwt ?? raw ?? JSON.stringify(document);
      const atMs = Date.parse(now);
      const inNode = told(
        verifyCredential(Buffer.from(text, 'utf8'), { documents: pinned(documents), atMs }),
      );
      expect({ id, ...inBrowser([text], documents, atMs) }).toEqual({ id, ...inNode });
      codes.add(inNode.code);
    }
    expect(codes).toContain('VC_VALID');
    expect(codes.size).toBeGreaterThan(5);
  });
});

const atMs = Date.parse('2026-11-22T07:00:00Z');
const mill = memoryOrganisation('did:web:mill.example', 'A mill');
const device = { es256: memorySigner(), eddsa: memoryEd25519() };
const gateway = memorySigner().did;
const profile = { name: 'steel-line', digest: profileDigest(steelLine) };

async function world(kind: keyof typeof device) {
  const signer = device[kind];
  const enrolled = await enrol(mill, {
    device: signer.did,
    gateway,
    label: 'line-1',
    profile,
    nowMs: atMs - 60_000,
  });
  const payload = composeBatch(
    {
      device: signer.did,
      gateway,
      enrolment: { id: enrolled.enrolment.id, digest: credentialDigest(enrolled.token) },
      profile,
      configuration: digestMultibase(Buffer.from('configuration')),
      readPoint: enrolled.enrolment.facility.id,
      clock: { source: 'ntp', offsetMs: 0, uncertaintyMs: 5, monotonicMs: 1, steps: 0 },
      closedMs: atMs - 1_000,
      groups: [1, 2].map((second) => ({
        timeMs: atMs - 10_000 + second,
        readings: [
          {
            point: 'heatWeight',
            type: 'Dimensionless',
            unit: 'KGM',
            rawHex: '4064080000000000',
            quality: 'good',
            value: 182_400 + second,
          },
        ],
      })),
      losses: [],
    },
    { epoch: { counter: 1, nonce: '0'.repeat(32) }, sequence: 1 },
    { credential: `urn:uuid:${crypto.randomUUID()}`, event: `urn:uuid:${crypto.randomUUID()}` },
  );
  return { signer, enrolment: Buffer.from(enrolled.token).toString('latin1'), payload };
}

/** Node's verdict on a batch with its enrolment, and the browser's. */
function both(token: Uint8Array, enrolment: string) {
  const documents = {
    ...pinned([mill.document]),
    enrolments: () => [Buffer.from(enrolment, 'latin1')],
  };
  const text = Buffer.from(token).toString('latin1');
  return {
    inNode: told(verifyCredential(token, { documents, atMs })),
    here: inBrowser([text, enrolment], [mill.document], atMs),
  };
}

describe('over batches of our own, the browser decides as Node', () => {
  it.each(['es256', 'eddsa'] as const)('about a batch by %s, whole and in part', async (kind) => {
    const { signer, enrolment, payload } = await world(kind);
    const whole = both(await signToken({ payload, signer, typ: 'vc+jwt' }), enrolment);
    expect(whole.here).toEqual(whole.inNode);
    expect(whole.here).toMatchObject({ verdict: 'valid', code: 'VC_VALID' });
    const options = { payload, signer, random: systemRandom, decoys: true };
    const selective = await signBatchSelectively(options);
    const second = '182402';
    const part = showOnly(selective, (value) => JSON.stringify(value).includes(second));
    for (const token of [selective, part]) {
      const found = both(token, enrolment);
      expect(found.here).toEqual(found.inNode);
      expect(found.here).toMatchObject({ verdict: 'valid', code: 'VC_VALID' });
    }
    expect(both(part, enrolment).here?.reason).toContain('parts are hidden');
    const damaged = Buffer.from(selective);
    damaged[damaged.length - 9] = damaged[damaged.length - 9] === 0x41 ? 0x42 : 0x41;
    const found = both(damaged, enrolment);
    expect(found.here).toEqual(found.inNode);
    expect(found.here?.verdict).toBe('invalid');
  });

  it('about batches with a member changed or missing: the checkers are the same', async () => {
    const { signer, enrolment, payload } = await world('es256');
    const paths = pathsOf(JSON.parse(payload) as object);
    const verdicts = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        fc.constantFrom(undefined, null, '', 'text', 0, -1, 1.5, true, [], {}, [{}], [''], {
          id: 1,
        }),
        async (path, value) => {
          const changed = JSON.stringify(replaced(JSON.parse(payload) as object, path, value));
          const token = await signToken({ payload: changed, signer, typ: 'vc+jwt' });
          const { inNode, here } = both(token, enrolment);
          expect({ path, value, ...here }).toEqual({ path, value, ...inNode });
          verdicts.add(inNode.code);
        },
      ),
      { numRuns: 150 },
    );
    expect(verdicts).toContain('VC_SCHEMA');
  });

  it('says which reading of the page is not the signed one', async () => {
    const { signer, enrolment, payload } = await world('es256');
    const token = Buffer.from(await signToken({ payload, signer, typ: 'vc+jwt' })).toString();
    const documents = [mill.document];
    const evidence = JSON.stringify({
      bondlineEvidence: 1,
      credentials: [token, enrolment],
      documents,
    });
    const reading = {
      element: 1,
      report: 0,
      point: 'heatWeight',
      value: 182_402,
      unit: 'KGM',
      quality: 'good',
      rawHex: '4064080000000000',
      timeMs: atMs - 10_000 + 2,
    };
    const ask = (tokens: readonly string[], readings: Question['shown']['readings']) =>
      verifyEvidence({ evidence, shown: { tokens, readings }, atMs });
    expect(ask([token, enrolment], [reading]).verdict).toBe('valid');
    for (const other of [
      { ...reading, value: 182_401 },
      { ...reading, unit: 'TNE' },
      { ...reading, quality: 'bad' },
      { ...reading, rawHex: '00' },
      { ...reading, timeMs: atMs },
      { ...reading, point: 'grade' },
      { ...reading, about: 'did:web:mill.example/heat/1' },
      { ...reading, element: 0 },
      { ...reading, element: 2 },
      { ...reading, report: 1 },
    ]) {
      expect({ other, verdict: ask([token], [other]).verdict }).toEqual({
        other,
        verdict: 'invalid',
      });
    }
    expect(ask([`${token}A`], [reading]).verdict).toBe('invalid');
    expect((openCompact(Buffer.from(token), 1e6) as OpenedToken).digest).toBe(
      ask([], []).relied.find(({ name }) => name === 'Batch credential')?.digest,
    );
  });

  it('leaves open what is no evidence', () => {
    for (const evidence of ['', '[]', '{"bondlineEvidence":2}', '{"bondlineEvidence":1}']) {
      const found = verifyEvidence({ evidence, shown: { tokens: [], readings: [] }, atMs });
      expect(found.verdict).not.toBe('valid');
    }
    const none = { bondlineEvidence: 1, credentials: [] };
    const evidence = JSON.stringify(none);
    const found = verifyEvidence({ evidence, shown: { tokens: [], readings: [] }, atMs });
    expect(found.links[0]?.code).toBe('VC_EMPTY');
  });
});

type Path = readonly (string | number)[];

/** The way to every value inside of a JSON value. */
function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  const inner = Object.entries(value).flatMap(([name, one]) =>
    pathsOf(one, [...at, Array.isArray(value) ? Number(name) : name]),
  );
  return at.length === 0 ? inner : [at, ...inner];
}

function replaced(whole: object, path: Path, value: unknown): object {
  const [last] = path.slice(-1);
  const holder = path
    .slice(0, -1)
    .reduce<unknown>((at, name) => (at as Record<string | number, unknown>)[name], whole);
  (holder as Record<string | number, unknown>)[last ?? ''] = value;
  return whole;
}
