/** Proofs inside, several credentials in one file, and what fails on our side. */
import { describe, expect, it } from 'vitest';
import { addProof } from '../../../../devices/credential/proof/add-proof.ts';
import { conceal } from '../../../../devices/credential/sd-jwt-issue.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../../../devices/credential/status-list.ts';
import { noDocuments } from '../../../../devices/io/documents.ts';
import { limits } from '../../../../devices/limits.ts';
import { systemRandom } from '../../../../devices/runtime.ts';
import { memorySigner } from '../../../support/identity.ts';
import {
  atMs,
  claim,
  created,
  judge,
  mill,
  presentation,
  rail,
  token,
  v2,
  withDocuments,
} from '../../../support/presented.ts';
import { BatchMaker } from '../../../support/signed-batch.ts';

describe('a credential with disclosures', () => {
  const url = 'https://mill.example/status/1';
  const entry = {
    type: 'BitstringStatusListEntry',
    statusPurpose: 'revocation',
    statusListIndex: '7',
    statusListCredential: url,
  };
  const typ = { typ: 'vc+sd-jwt' };
  const plain = { random: systemRandom, decoys: false };
  /** With all of its disclosures, and with none. */
  const both = (payload: object, path: readonly string[], header: object = typ) => {
    const made = conceal(JSON.stringify(payload), [path], plain);
    const secured = token(JSON.parse(made.payload), header);
    return [`${secured}~${made.disclosures.join('~')}~`, `${secured}~`].map((one) => judge(one));
  };

  it.each([
    ['a status', { credentialStatus: entry }, ['credentialStatus'], 'VC_STATUS_MISSING'],
    ['an end', { validUntil: created }, ['validUntil'], 'VC_EXPIRED'],
    ['an end of the token', { exp: 1 }, ['exp'], 'VC_EXPIRED'],
    ['a beginning', { validFrom: '2999-01-01T00:00:00Z' }, ['validFrom'], 'VC_NOT_YET_VALID'],
    [
      'a schema',
      { credentialSchema: { id: url, type: 'JsonSchema' } },
      ['credentialSchema'],
      'VC_VALID',
    ],
  ])('that hides %s is left open', (_, more, path, shown) => {
    const [all, none] = both(claim(more), path);
    expect(all?.code).toBe(shown);
    expect(none).toMatchObject({ verdict: 'undecided', code: 'VC_CLAIMS_HIDDEN' });
  });

  it('that hides what it says of its subject is as good as one that shows it', () => {
    const [all, none] = both(claim(), ['credentialSubject', 'id']);
    expect(all?.code).toBe('VC_VALID');
    // Nothing is left of the subject, which VCDM 2.0 §4.8 does not allow.
    expect(none?.code).toBe('VC_SCHEMA');
    const two = claim({ credentialSubject: { id: 'urn:x:1', grade: 'S355' } });
    expect(both(two, ['credentialSubject', 'grade']).map(({ code }) => code)).toEqual([
      'VC_VALID',
      'VC_VALID',
    ]);
  });

  it('that hides something and is forged is not valid', () => {
    const made = conceal(JSON.stringify(claim({ exp: 1 })), [['exp']], plain);
    const forged = `${token(JSON.parse(made.payload), typ).slice(0, -8)}AAAAAAAA~`;
    expect(judge(forged)).toMatchObject({ verdict: 'invalid', code: 'VC_SIGNATURE' });
  });

  it('that presents and hides something is left open too', () => {
    const header = { typ: 'vp+sd-jwt', cty: 'vp' };
    const [all, none] = both(presentation({ exp: 1 }), ['exp'], header);
    expect([all?.code, none?.code]).toEqual(['VC_EXPIRED', 'VC_CLAIMS_HIDDEN']);
  });

  it('is no status list while it hides something', () => {
    const made = (path: string[]) => {
      const payload = composeStatusList({
        id: url,
        issuer: mill.did,
        purpose: 'revocation',
        encodedList: encodeStatusList(statusBits([])),
        validFromMs: atMs - 1000,
      });
      const concealed = conceal(JSON.stringify({ ...JSON.parse(payload), exp: 1 }), [path], plain);
      return Buffer.from(`${token(JSON.parse(concealed.payload), typ)}~`);
    };
    const documents = withDocuments([mill], { statusList: () => made(['exp']) });
    const found = judge(token(claim({ credentialStatus: entry })), { documents });
    expect(found).toMatchObject({ verdict: 'undecided', code: 'VC_STATUS_INVALID' });
  });
});

describe('a credential with a proof inside', () => {
  const purpose = 'assertionMethod';

  it('is valid by its issuer, and by others beside it', async () => {
    const one = await addProof(claim(), mill.signer, { purpose, created, id: 'urn:uuid:p' });
    const two = await addProof(one, rail.signer, { purpose, created, previousProof: 'urn:uuid:p' });
    expect(judge(two)).toMatchObject({
      verdict: 'valid',
      form: 'data-integrity',
      keyIds: [mill.signer.keyId, rail.signer.keyId],
    });
    expect(judge(await addProof(claim(), rail.signer, { purpose, created })).code).toBe(
      'VC_ISSUER',
    );
  });

  it('is not valid when a time has passed', async () => {
    const made = await addProof(claim({ validUntil: created }), mill.signer, { purpose, created });
    expect(judge(made).code).toBe('VC_EXPIRED');
  });

  it('is left open when a context was appended: the proof holds, and that is all', async () => {
    const good = await addProof(claim(), mill.signer, { purpose, created });
    expect(judge(good).code).toBe('VC_VALID');
    const appended = { ...good, '@context': [v2, 'https://x.example/v1'] };
    expect(judge(appended)).toMatchObject({ verdict: 'undecided', code: 'VC_CONTEXT_UNSIGNED' });
    const before = { ...good, '@context': ['https://x.example/v1', v2] };
    expect(judge(before).verdict).toBe('invalid');
    const changed = { ...appended, id: 'urn:x:2' };
    expect(judge(changed)).toMatchObject({ verdict: 'invalid', code: 'VC_SIGNATURE' });
  });

  it.each(['token', 'document'])('is revoked by a list that is secured as a %s', async (form) => {
    const url = 'https://mill.example/status/1';
    const list = (set: number[]): string =>
      composeStatusList({
        id: url,
        issuer: mill.did,
        purpose: 'revocation',
        encodedList: encodeStatusList(statusBits(set)),
        validFromMs: atMs - 1000,
      });
    const secured = async (payload: string): Promise<string> =>
      form === 'token'
        ? token(JSON.parse(payload))
        : JSON.stringify(await addProof(JSON.parse(payload), mill.signer, { purpose, created }));
    const entry = {
      type: 'BitstringStatusListEntry',
      statusPurpose: 'revocation',
      statusListIndex: '7',
      statusListCredential: url,
    };
    const made = await addProof(claim({ credentialStatus: entry }), mill.signer, {
      purpose,
      created,
    });
    const of = (text: string): string => {
      const statusList = () => Buffer.from(text);
      return judge(made, { documents: withDocuments([mill], { statusList }) }).code;
    };
    expect(of(await secured(list([6, 8])))).toBe('VC_VALID');
    expect(of(await secured(list([7])))).toBe('VC_REVOKED');
    const forged = (await secured(list([]))).replace('mill.example/status', 'mi11.example/status');
    expect(of(form === 'token' ? `${forged.slice(0, -8)}AAAAAAAA` : forged)).toBe(
      'VC_STATUS_INVALID',
    );
  });
});

describe('several in one file', () => {
  it('are judged one by one in an array', () => {
    const report = judge([token(claim()), 'x', 7, claim()]);
    expect(report).toMatchObject({ verdict: 'invalid', form: 'array' });
    expect(report.inner?.map(({ place, code }) => `${place} ${code}`)).toEqual([
      '[0] VC_VALID',
      '[1] VC_MALFORMED',
      '[2] VC_MALFORMED',
      '[3] VC_UNSECURED',
    ]);
    expect(judge([]).code).toBe('VC_EMPTY');
  });

  it('are evidence whose own documents count for nothing', () => {
    const evidence = {
      bondlineEvidence: 1,
      documents: [mill.document],
      credentials: [token(claim())],
    };
    expect(judge(evidence)).toMatchObject({
      verdict: 'valid',
      form: 'evidence',
      offered: [mill.did],
    });
    expect(judge(evidence, { documents: noDocuments })).toMatchObject({
      verdict: 'undecided',
      code: 'VC_DOCUMENT_MISSING',
    });
    expect(judge({ ...evidence, bondlineEvidence: 2 }).verdict).toBe('undecided');
    const odd = judge({ ...evidence, documents: [{ id: { toString: 1 } }] });
    expect(odd).toMatchObject({ form: 'evidence', offered: ['no document'] });
    expect(judge({ ...evidence, credentials: [] }).code).toBe('VC_EMPTY');
  });

  it('are no more than can be judged', () => {
    const many = Array.from({ length: limits.credentialsInFileMax + 1 }, () => 0);
    expect(judge(many).inner?.at(-1)?.code).toBe('VC_TOO_LARGE');
  });
});

describe('a failure of ours', () => {
  const failing = (): never => {
    throw new Error('the disk is gone');
  };

  it.each(['didDocument', 'statusList', 'enrolments'])('in %s leaves it open', async (name) => {
    const entry = {
      type: 'BitstringStatusListEntry',
      statusPurpose: 'revocation',
      statusListIndex: '7',
      statusListCredential: 'https://mill.example/1',
    };
    const device = new BatchMaker(memorySigner(), memorySigner().did);
    const batch = Buffer.from(await device.next(atMs)).toString('latin1');
    const made = name === 'enrolments' ? batch : token(claim({ credentialStatus: entry }));
    const report = judge(made, { documents: withDocuments([mill], { [name]: failing }) });
    expect(report).toMatchObject({ verdict: 'undecided', code: 'VC_INTERNAL' });
    expect(report.reason).toContain('the disk is gone');
  });

  it('in one part does not hide that another is not valid', () => {
    const documents = withDocuments([rail], {
      didDocument: (did) => {
        if (did === mill.did) failing();
        return withDocuments([rail]).didDocument(did);
      },
    });
    const bad = `${token(claim({ issuer: rail.did }), {}, rail).slice(0, -8)}AAAAAAAA`;
    const report = judge([token(claim()), bad], { documents });
    expect(report.inner?.map(({ code }) => code)).toEqual(['VC_INTERNAL', 'VC_SIGNATURE']);
    expect(report.verdict).toBe('invalid');
  });

  it('in a key is one of the signer: a key of its own needs no documents', async () => {
    const own = memorySigner();
    const made = await addProof(claim({ issuer: own.did }), own, {
      purpose: 'assertionMethod',
      created,
    });
    expect(judge(made, { documents: withDocuments([], { didDocument: failing }) }).verdict).toBe(
      'valid',
    );
  });
});

describe('JSON that two readers understand differently', () => {
  it.each([
    ['a member twice', '{"proof":{},"type":1,"type":2}'],
    ['a lone surrogate', '{"proof":{},"name":"\\ud800"}'],
    ['something after it', '{"proof":{}} x'],
    ['something before it', '\ufeff{"proof":{}}'],
    ['too deep', `{"proof":${'['.repeat(64)}${']'.repeat(64)}}`],
    ['a number that no double holds', '{"proof":{},"n":1e400}'],
  ])('%s', (_, text) => {
    expect(['VC_JSON', 'VC_MALFORMED']).toContain(judge(text).code);
  });
});
