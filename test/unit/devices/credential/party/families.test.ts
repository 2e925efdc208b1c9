/** Each family: what is composed is read back, satisfies the published schemas, and is RDF. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import jsonld from 'jsonld';
import { describe, expect, it } from 'vitest';
import {
  families,
  familyFor,
  type PartyStatement,
  readParty,
} from '../../../../../devices/credential/party/families.ts';
import {
  bondlineContext,
  bondlineTerms,
  credentialsContext,
  epcisContext,
  traceabilityContext,
} from '../../../../../devices/credential/vocabulary.ts';
import {
  aeo,
  bond,
  calibration,
  correction,
  ctpat,
  custodyStep,
  foodInspection,
  goodsEvent,
  lakeside,
  millTestReport,
  movement,
  newId,
  northline,
  oilGoods,
  oneOfEach,
  prairie,
  ticket,
} from '../../../../support/party.ts';
import { hasShared, sharedPath } from '../../../../support/shared.ts';

type Json = Record<string, unknown>;

const docs = new URL('../../../../../docs/', import.meta.url);
const wire = readFileSync(new URL('wire.md', docs), 'utf8');

function compose(statement: PartyStatement): Json {
  return JSON.parse(familyFor(statement).compose(statement)) as Json;
}

/** A payload with something else at a path; `undefined` takes it away. */
function changed(payload: Json, path: readonly (string | number)[], value: unknown): Json {
  const copy = structuredClone(payload);
  let at: unknown = copy;
  for (const key of path.slice(0, -1)) at = (at as Record<string | number, unknown>)[key];
  const last = path.at(-1) ?? '';
  if (value === undefined) delete (at as Record<string | number, unknown>)[last];
  else (at as Record<string | number, unknown>)[last] = value;
  return copy;
}

/** Paths of all objects in a payload. */
function objects(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [];
  const here = Array.isArray(value) ? [] : [path];
  const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
  return [
    ...here,
    ...[...keys].flatMap((key) => objects((value as Json)[key as string], [...path, key])),
  ];
}

const all = Object.entries(oneOfEach());

describe.each(all)('the family of %s', (name, statement) => {
  const payload = compose(statement);

  it('reads back what it composes', () => {
    expect(readParty(payload)).toEqual(statement);
  });

  it('is found by the type of its payload alone', () => {
    const family = familyFor(statement);
    expect(family.types.some((type) => (payload['type'] as string[]).includes(type))).toBe(true);
    expect(readParty({ ...payload, type: ['VerifiableCredential'] })).toBeUndefined();
    expect(readParty({ ...payload, type: 'VerifiableCredential' })).toBeUndefined();
  });

  it('refuses a member that is not described, wherever it stands', () => {
    for (const path of objects(payload)) {
      const found = readParty(changed(payload, [...path, 'invented'], 1));
      expect(found, path.join('.')).toMatchObject({ code: 'VC_SCHEMA' });
    }
  });

  it('refuses a credential without one of its own members', () => {
    for (const member of ['@context', 'id', 'type', 'issuer', 'validFrom', 'credentialSubject']) {
      const found = readParty(changed(payload, [member], undefined));
      if (member === 'type') expect(found).toBeUndefined();
      else expect(found, member).toMatchObject({ code: 'VC_SCHEMA' });
    }
  });

  it('refuses a time that does not exist', () => {
    for (const never of ['2026-02-30T10:00:00Z', '2026-02-28T25:00:00Z', '2026-02-28 10:00:00Z ']) {
      const found = readParty(changed(payload, ['validFrom'], never));
      expect(found, never).toMatchObject({ code: 'VC_SCHEMA' });
    }
    const offset = changed(payload, ['validFrom'], '2026-11-21T06:00:00.5-06:00');
    expect(readParty(offset)).toMatchObject({ validFromMs: statement.validFromMs + 500 });
  });

  it('stands in docs/wire.md as it is composed and read', () => {
    const text = new RegExp(`\`\`\`json ${name}\\n([^\`]*)\`\`\``).exec(wire)?.[1];
    if (text === undefined) throw new Error(`docs/wire.md has no example ${name}`);
    const shown = JSON.parse(text) as Json;
    const read = readParty(shown);
    if (read === undefined || 'code' in read) throw new Error(read?.reason ?? 'no family');
    expect(compose(read)).toEqual(shown);
    // The example shows each member that the one of the tests has.
    expect(Object.keys(shown['credentialSubject'] as Json)).toEqual(
      Object.keys(payload['credentialSubject'] as Json),
    );
  });
});

describe('what members of one credential say of each other', () => {
  const contradictions: Record<string, Json> = {
    'goods handed to oneself': changed(
      changed(compose(custodyStep()), ['credentialSubject', 'bl:receiver'], northline),
      ['credentialSubject', 'destinationList', 0, 'destination'],
      northline.id,
    ),
    'another source than the releaser': changed(
      compose(custodyStep()),
      ['credentialSubject', 'sourceList', 0, 'source'],
      prairie.id,
    ),
    'a transfer that the receiver issues': changed(compose(custodyStep()), ['issuer'], lakeside),
    'an acceptance without its release': changed(
      changed(compose(custodyStep()), ['credentialSubject', 'bl:custody'], 'acceptance'),
      ['issuer'],
      lakeside,
    ),
    'a release that ships what it receives': changed(
      compose(custodyStep({ act: 'release' })),
      ['credentialSubject', 'bizStep'],
      'receiving',
    ),
    'a ticket of another carrier': changed(compose(ticket()), ['issuer'], lakeside.id),
    'a ticket that closes before it opens': changed(
      compose(ticket()),
      ['credentialSubject', 'closeDate'],
      '2020-01-01T00:00:00Z',
    ),
    'an inspection that ends before it begins': changed(
      compose(foodInspection()),
      ['credentialSubject', 'commonInfo', 'inspectionEnded'],
      '2020-01-01T00:00:00Z',
    ),
    "another's goods sold": compose(
      goodsEvent({
        what: 'TransferOwnership',
        receiver: lakeside.id,
        tracking: undefined,
      } as never),
    ),
    'a movement that another is liable for': changed(compose(movement()), ['issuer'], lakeside),
    'an arrival nowhere': changed(compose(movement()), ['credentialSubject', 'bl:act'], 'arrival'),
    'a request to nowhere': changed(
      compose(movement()),
      ['credentialSubject', 'bl:inBond', 'portOfDestination'],
      undefined,
    ),
    'a bond for oneself': changed(compose(bond()), ['credentialSubject', 'id'], bond().issuer.id),
    'a bond below nothing': changed(compose(bond()), ['credentialSubject', 'bl:amount'], '-1'),
  };
  const sale = contradictions["another's goods sold"] as Json;
  contradictions["another's goods sold"] = changed(
    sale,
    ['credentialSubject', 'initiator'],
    prairie.id,
  );

  it.each(Object.entries(contradictions))('%s is refused', (_name, payload) => {
    expect(readParty(payload)).toMatchObject({ code: 'VC_CONTRADICTION' });
  });
});

describe('what a schema bounds', () => {
  const subject = (name: string) => ['credentialSubject', name];
  const cases: [string, Json, readonly (string | number)[], unknown][] = [
    ['a credential id is a UUID', compose(ticket()), ['id'], 'https://example.org/1'],
    ['goods are one', compose(custodyStep()), subject('epcList'), [oilGoods, oilGoods]],
    ['a quantity is a decimal', compose(custodyStep()), [...subject('bl:quantity'), 'bl:value'], 1],
    ['no exponent', compose(custodyStep()), [...subject('bl:quantity'), 'bl:value'], '1e3'],
    [
      'seals have a source',
      compose(custodyStep()),
      [...subject('bl:seals'), 0, 'bl:sealSource'],
      'X',
    ],
    [
      'an in-bond number',
      compose(movement()),
      [...subject('bl:inBond'), 'inBondNumber'],
      '12345678',
    ],
    ['an entry type', compose(movement()), [...subject('bl:inBond'), 'inBondType'], '86'],
    [
      'percent',
      compose(millTestReport()),
      [...subject('inspections'), 0, 'chemicalComposition', 'c'],
      101,
    ],
    [
      'carbon is needed',
      compose(millTestReport()),
      [...subject('inspections'), 0, 'chemicalComposition', 'c'],
      undefined,
    ],
    ['an end of standing', compose(aeo()), ['validUntil'], undefined],
    ['a tier', compose(ctpat()), subject('tier'), 'Gold'],
    ['a currency', compose(bond()), subject('bl:currency'), 'dollars'],
    ['a device key', compose(calibration()), subject('id'), 'did:web:device.example'],
    ['a digest', compose(correction()), ['relatedResource', 0, 'digestMultibase'], 'uEiAAAA'],
    ['a status index', compose(aeo()), ['credentialStatus', 0, 'statusListIndex'], '-1'],
  ];

  it.each(cases)('%s', (_name, payload, path, value) => {
    expect(readParty(payload)).not.toHaveProperty('code');
    expect(readParty(changed(payload, path, value))).toMatchObject({ code: 'VC_SCHEMA' });
  });
});

describe('whom a credential is about, and who signs it', () => {
  it('is the goods and the parties that it names', () => {
    expect(families.custody.signers(custodyStep())).toEqual([northline.id, lakeside.id]);
    expect(families.custody.signers(custodyStep({ act: 'release' }))).toEqual([northline.id]);
    expect(families['mill-test-report'].about(millTestReport())).toEqual([
      'did:web:mill.example/heat/26041',
    ]);
    expect(families.inspection.about(foodInspection())).toEqual(['urn:epc:id:bic:MSKU9070323']);
    expect(families.bond.about(bond())).toEqual([northline.id]);
    expect(families.correction.about(correction({ id: newId() }))).toEqual([oilGoods]);
  });
});

function readJson(file: string | URL): Json {
  return JSON.parse(readFileSync(file, 'utf8')) as Json;
}

/** The vocabulary's own schema of a credential or class; its files refer to each other by path. */
function vocabularySchema(...path: readonly string[]): ValidateFunction {
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false, validateFormats: false });
  const root = sharedPath('vectors', 'w3c-ccg-traceability', 'schemas');
  const added = new Set<string>();
  const load = (file: string): Json => {
    const schema = readJson(file);
    const refer = (value: unknown, key?: string): unknown => {
      if (Array.isArray(value)) return value.map((one) => refer(one));
      if (typeof value !== 'object' || value === null) {
        if (key !== '$ref' || typeof value !== 'string' || value.startsWith('#')) return value;
        const other = join(dirname(file), value);
        if (!added.has(other) && existsSync(other)) {
          added.add(other);
          ajv.addSchema(load(other), other);
        }
        return other;
      }
      return Object.fromEntries(
        Object.entries(value).map(([name, one]) => [name, refer(one, name)]),
      );
    };
    return { ...(refer(schema) as Json), $id: file };
  };
  return ajv.compile(load(join(root, ...path)));
}

describe.skipIf(!hasShared)('with the vocabularies of others', () => {
  const official: [string, PartyStatement, string][] = [
    ['OilAndGasDeliveryTicketCredential', ticket(), 'OilAndGasDeliveryTicketCredential.json'],
    ['MillTestReportCredential', millTestReport(), 'MillTestReportCredential.json'],
    ['FoodGradeInspectionCredential', foodInspection(), 'FoodGradeInspectionCredential.json'],
    ['EventCredential', goodsEvent(), 'EventCredential.json'],
    [
      'EventCredential of a sale',
      (({ tracking: _none, ...event }) => ({
        ...event,
        what: 'TransferOwnership' as const,
        receiver: lakeside.id,
      }))(goodsEvent()),
      'EventCredential.json',
    ],
  ];

  it.each(official)('%s satisfies the schema of the vocabulary', (_name, statement, file) => {
    const validate = vocabularySchema('credentials', file);
    const payload = compose(statement);
    expect(validate(payload) ? null : validate.errors).toBeNull();
    expect(validate({ ...payload, invented: 1 })).toBe(false);
    expect(readParty(payload)).toEqual(statement);
  });

  it('a CTPAT subject and a movement satisfy the classes of the vocabulary', () => {
    // The vocabulary's CTPATCertificate itself names a context and a status that were withdrawn.
    const member = vocabularySchema('common', 'CTPAT.json');
    const payload = compose(ctpat());
    expect(member(payload['credentialSubject']) ? null : member.errors).toBeNull();
    const inBond = vocabularySchema('common', 'Inbond.json');
    const { 'bl:inBond': said } = compose(movement())['credentialSubject'] as Json;
    expect(inBond(said) ? null : inBond.errors).toBeNull();
    expect(inBond({ ...(said as Json), invented: 1 })).toBe(false);
  });

  it('custody and corrections satisfy the EPCIS schema', () => {
    const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
    ajv.addFormat('uri', /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`]+$/);
    ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
    const file = ['gs1-epcis', 'schema', 'EPCIS-JSON-Schema.bundled.json'];
    const validate = ajv.compile(readJson(sharedPath('vectors', ...file)));
    for (const statement of [custodyStep(), custodyStep({ act: 'release' }), correction()]) {
      const { '@context': context, credentialSubject } = compose(statement);
      const event = { '@context': context, ...(credentialSubject as Json) };
      expect(validate(event) ? null : validate.errors).toBeNull();
      expect(validate({ ...event, action: 'LOOK' })).toBe(false);
    }
  });

  const contexts: Record<string, unknown> = hasShared
    ? {
        [credentialsContext]: readJson(sharedPath('contexts', 'credentials-v2.jsonld')),
        [epcisContext]: readJson(sharedPath('contexts', 'epcis-2.0.0.jsonld')),
        [traceabilityContext]: readJson(sharedPath('contexts', 'traceability-v1.generated.jsonld')),
        [bondlineContext]: readJson(new URL('contexts/bondline-v1.jsonld', docs)),
      }
    : {};

  it.each(all)('%s becomes RDF in safe mode, each term of ours among it', async (_name, one) => {
    const documentLoader = async (url: string) => {
      const document = contexts[url];
      if (document === undefined) throw new Error(`nothing is fetched: ${url}`);
      return { documentUrl: url, document: document as Record<string, never> };
    };
    const options = { format: 'application/n-quads', safe: true, documentLoader } as const;
    const payload = compose(one);
    const quads = (await jsonld.toRDF(payload, options)) as unknown as string;
    const own = new Set(JSON.stringify(payload).match(/(?<="bl:)[A-Za-z]+(?=":)/g) ?? []);
    for (const term of own) expect(quads).toContain(`<${bondlineTerms}${term}>`);
  });
});
