/**
 * The published JSON-LD context, the examples of docs/wire.md and the schemas belong together.
 * Contexts of others are read from ../shared; nothing is fetched.
 */
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import jsonld from 'jsonld';
import { describe, expect, it } from 'vitest';
import { batchSchema } from '../../../../devices/credential/batch-schema.ts';
import { composeBatch, readBatch } from '../../../../devices/credential/batch-wire.ts';
import {
  composeCheckpoint,
  composeNotice,
  composeStatement,
  openNotice,
} from '../../../../devices/credential/checkpoint.ts';
import {
  composeEnrolRequest,
  openEnrolRequest,
} from '../../../../devices/credential/enrol-request.ts';
import {
  composeEnrolment,
  enrolmentSchema,
  readEnrolment,
} from '../../../../devices/credential/enrolment-wire.ts';
import { families } from '../../../../devices/credential/party/families.ts';
import { composeReceipt } from '../../../../devices/credential/receipt-wire.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../../../devices/credential/status-list.ts';
import {
  bondlineContext,
  bondlineTerms,
  credentialsContext,
  credentialTypes,
  epcisContext,
} from '../../../../devices/credential/vocabulary.ts';
import { arbitraryDraft, arbitraryIds, arbitraryPlace } from '../../../support/arbitrary-batch.ts';
import { memorySigner } from '../../../support/identity.ts';
import { hasShared, sharedPath } from '../../../support/shared.ts';

const docs = new URL('../../../../docs/', import.meta.url);
const wire = readFileSync(new URL('wire.md', docs), 'utf8');
const published = readJson(new URL('contexts/bondline-v1.jsonld', docs)) as {
  '@context': Record<string, unknown>;
};

function readJson(file: URL | string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** The JSON block of docs/wire.md that is marked with `name`. */
function example(name: string): string {
  const found = new RegExp(`\`\`\`json ${name}\\n([^\`]*)\`\`\``).exec(wire)?.[1];
  if (found === undefined) throw new Error(`docs/wire.md has no example ${name}`);
  return JSON.stringify(JSON.parse(found));
}

/** Every member that begins with `bl:` anywhere in a schema. */
function ownMembers(schema: unknown, found = new Set<string>()): Set<string> {
  if (typeof schema !== 'object' || schema === null) return found;
  for (const [key, value] of Object.entries(schema)) {
    if (key.startsWith('bl:')) found.add(key);
    ownMembers(value, found);
  }
  return found;
}

describe('the published context', () => {
  it('defines every term that the schemas use, and no other', () => {
    const party = Object.values(families).map(({ schema }) => schema);
    const used = ownMembers([batchSchema, enrolmentSchema, party]);
    expect(used.size).toBeGreaterThan(30);
    const defined = Object.keys(published['@context']).filter((term) => term.startsWith('bl:'));
    expect(defined.sort()).toEqual([...used].sort());
  });

  it('gives every term the name that it would have by its prefix', () => {
    const { bl, ...terms } = published['@context'];
    expect(bl).toBe(bondlineTerms);
    for (const [term, definition] of Object.entries(terms)) {
      if (term.startsWith('bl:')) expect(definition).toMatchObject({ '@id': term });
    }
    const own = Object.keys(terms).filter((term) => term.endsWith('Credential'));
    expect(own).toEqual(expect.arrayContaining([credentialTypes.batch, credentialTypes.enrolment]));
    for (const type of own) {
      expect(terms[type]).toBe(`bl:${type}`);
    }
  });
});

describe('docs/wire.md', () => {
  it('shows a batch as it is composed and read', () => {
    const text = example('batch');
    const batch = readBatch(JSON.parse(text));
    if ('code' in batch) throw new Error(batch.reason);
    const { eventID } = (JSON.parse(text) as { credentialSubject: { eventID: string } })
      .credentialSubject;
    expect(composeBatch(batch, batch, { credential: batch.id, event: eventID })).toBe(text);
    // The example shows each member that a batch may have.
    const shown = ownMembers(JSON.parse(text));
    expect([...shown].sort()).toEqual([...ownMembers(batchSchema)].sort());
  });

  it('shows an enrolment as it is composed and read', () => {
    const text = example('enrolment');
    const enrolment = readEnrolment(JSON.parse(text));
    if ('code' in enrolment) throw new Error(enrolment.reason);
    expect(composeEnrolment(enrolment)).toBe(text);
  });

  it('shows a receipt and a request as they are composed', async () => {
    expect(composeReceipt(JSON.parse(example('receipt')))).toBe(example('receipt'));
    const request = JSON.parse(example('request'));
    const [device, gateway] = [memorySigner(), memorySigner()];
    const token = await composeEnrolRequest(
      Object.fromEntries(
        Object.entries(request).filter(([key]) => key !== 'device' && key !== 'gateway'),
      ) as Parameters<typeof composeEnrolRequest>[0],
      { device, gateway },
    );
    const opened = openEnrolRequest(token);
    expect(opened).toEqual({ ...request, device: device.did, gateway: gateway.did });
  });
});

describe('docs/wire.md, of checkpoints', () => {
  it('shows them, notices and statements as they are composed', () => {
    expect(composeCheckpoint(JSON.parse(example('checkpoint')))).toBe(example('checkpoint'));
    const notice = openNotice(Buffer.from(example('notice')));
    if ('code' in notice) throw new Error(notice.reason);
    expect(Buffer.from(composeNotice(notice)).toString()).toBe(example('notice'));
    const { checkpoint, ...said } = JSON.parse(example('statement'));
    const made = composeStatement({ ...said, token: Buffer.from(checkpoint) });
    expect(made).toBe(example('statement'));
  });
});

describe.skipIf(!hasShared)('with the contexts and schemas of others', () => {
  const contexts: Readonly<Record<string, unknown>> = hasShared
    ? {
        [credentialsContext]: readJson(sharedPath('contexts', 'credentials-v2.jsonld')),
        [epcisContext]: readJson(sharedPath('contexts', 'epcis-2.0.0.jsonld')),
        [bondlineContext]: published,
      }
    : {};

  async function documentLoader(url: string) {
    const document = contexts[url];
    if (document === undefined) throw new Error(`nothing is fetched: ${url}`);
    return { documentUrl: url, document: document as Record<string, never> };
  }

  /** N-Quads; safe mode throws where a term would be dropped. */
  async function quadsOf(payload: string): Promise<string> {
    const options = { format: 'application/n-quads', safe: true, documentLoader } as const;
    return (await jsonld.toRDF(JSON.parse(payload), options)) as unknown as string;
  }

  const validateEvent = hasShared ? eventValidator() : undefined;

  function eventErrors(payload: string): unknown {
    const { '@context': context, credentialSubject } = JSON.parse(payload);
    const valid = validateEvent?.({ '@context': context, ...credentialSubject });
    return valid === true ? undefined : validateEvent?.errors;
  }

  it('each example becomes RDF in safe mode, each term of ours among it', async () => {
    for (const name of ['batch', 'enrolment']) {
      const quads = await quadsOf(example(name));
      for (const member of ownMembers(JSON.parse(example(name)))) {
        expect(quads).toContain(`<${bondlineTerms}${member.slice('bl:'.length)}>`);
      }
    }
  });

  it('a value becomes what it is: number, text, integer, raw words, time', async () => {
    const quads = await quadsOf(example('batch'));
    const xsd = 'http://www.w3.org/2001/XMLSchema#';
    expect(quads).toContain(`"1.25E1"^^<${xsd}double>`);
    expect(quads).toContain('<https://ref.gs1.org/epcis/stringValue> "18446744073709551615"');
    expect(quads).toContain(`<${bondlineTerms}valueType> <${xsd}integer>`);
    expect(quads).toContain(`"41480000"^^<${xsd}hexBinary>`);
    expect(quads).toContain(`"2026-11-21T12:00:01.012Z"^^<${xsd}dateTimeStamp>`);
    expect(quads).toContain('<https://gs1.org/voc/ERROR_CONDITION>');
    expect(quads).toContain(`<${bondlineTerms}Text>`);
  });

  it('a term that the context lacks does not get through', async () => {
    const batch = JSON.parse(example('batch'));
    batch.credentialSubject.invented = 1;
    await expect(quadsOf(JSON.stringify(batch))).rejects.toThrow(/[Ss]afe mode/);
    batch['@context'].push('https://evil.example/v1');
    await expect(quadsOf(JSON.stringify(batch))).rejects.toThrow();
  });

  it('a status list becomes RDF in safe mode too', async () => {
    const payload = composeStatusList({
      id: 'https://mill.example/status/revocation.jwt',
      issuer: 'did:web:mill.example',
      purpose: 'revocation',
      encodedList: encodeStatusList(statusBits([1])),
      validFromMs: 0,
    });
    expect(await quadsOf(payload)).toContain('encodedList');
  });

  it('any batch becomes RDF, and satisfies the EPCIS schema', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryDraft, arbitraryPlace, arbitraryIds, async (draft, at, named) => {
        const text = composeBatch(draft, at, named);
        expect(eventErrors(text)).toBeUndefined();
        const quads = await quadsOf(text);
        const { aggregates: summed = [] } = draft;
        const reports = draft.groups.reduce((sum, { readings }) => sum + readings.length, 0);
        const sums = summed.reduce((sum, { aggregates }) => sum + aggregates.length, 0);
        expect(quads.split(`<${bondlineTerms}point>`)).toHaveLength(reports + sums + 1);
        // An aggregate has a beginning and an end in place of a time.
        expect(quads.split('<https://ref.gs1.org/epcis/startTime>')).toHaveLength(
          summed.length + 1,
        );
        expect(quads.split(`<${bondlineTerms}cause>`)).toHaveLength(draft.losses.length + 1);
      }),
      { numRuns: 40 },
    );
  });

  it('the EPCIS schema is one that can say no', () => {
    const batch = JSON.parse(example('batch'));
    expect(eventErrors(JSON.stringify(batch))).toBeUndefined();
    batch.credentialSubject.action = 'LOOK';
    expect(eventErrors(JSON.stringify(batch))).toBeDefined();
    batch.credentialSubject.action = 'OBSERVE';
    batch.credentialSubject.sensorElementList[0].sensorReport[0].type = 'Warmth';
    expect(eventErrors(JSON.stringify(batch))).toBeDefined();
  });
});

/** The official schema of an event; formats as RFC 3986 and RFC 3339 have them. */
function eventValidator() {
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
  ajv.addFormat('uri', /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`]+$/);
  ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
  const file = sharedPath('vectors', 'gs1-epcis', 'schema', 'EPCIS-JSON-Schema.bundled.json');
  return ajv.compile(readJson(file) as object);
}
