/**
 * What a holder presents without another proof: its own word, under the proof of the presentation.
 */
import { describe, expect, it } from 'vitest';
import { familyFor } from '../../../../devices/credential/party/families.ts';
import { addProof } from '../../../../devices/credential/proof/add-proof.ts';
import type { JsonObject } from '../../../../devices/credential/vcdm-values.ts';
import type { VerdictReport } from '../../../../devices/credential/verdict.ts';
import type { VerifyContext } from '../../../../devices/credential/verify-context.ts';
import type { Organisation } from '../../../support/identity.ts';
import { memoryOrganisation } from '../../../support/identity.ts';
import { northline, ticket } from '../../../support/party.ts';
import {
  atMs,
  claim,
  created,
  envelope,
  judge,
  mill,
  present,
  presentation,
  rail,
  token,
  v2,
  withDocuments,
} from '../../../support/presented.ts';

const purpose = 'authentication';
const own = { ...mill.document, authentication: [mill.signer.keyId] };
const documents = withDocuments([{ ...mill, document: own }, rail]);

interface Shown {
  readonly holder?: unknown;
  readonly by?: Organisation;
  readonly more?: Partial<VerifyContext>;
  readonly change?: (signed: JsonObject) => JsonObject;
}

/** The verdict on these parts, in a presentation by the mill with a proof inside. */
async function shown(parts: readonly unknown[], how: Shown = {}): Promise<VerdictReport> {
  const { by = mill, change = (one) => one, more = {} } = how;
  const { holder: _, ...rest } = presentation({ verifiableCredential: parts });
  const holder = 'holder' in how ? how.holder : mill.did;
  const made = { ...rest, ...(holder !== undefined && { holder }) };
  const signed = await addProof(made, by.signer, { purpose, created });
  return judge(change(signed), { documents, ...more });
}

const partOf = ({ inner }: VerdictReport, at = 0) => inner?.[at];

describe('a credential of the holder without proof', () => {
  it('is valid in its presentation, and says what it rests on', async () => {
    const report = await shown([claim()]);
    expect(report).toMatchObject({ verdict: 'valid', code: 'VC_VALID' });
    expect(partOf(report)).toMatchObject({
      verdict: 'valid',
      form: 'data-integrity',
      issuer: mill.did,
      keyIds: [mill.signer.keyId],
      reason: 'said by the holder, under the proof of the presentation',
    });
  });

  it.each([
    ['whose issuer is an object', { issuer: { id: mill.did, name: 'Mill' } }, {}, 'VC_VALID'],
    ['by a holder who is an object', {}, { holder: { id: mill.did } }, 'VC_VALID'],
    ['by another issuer', { issuer: rail.did }, {}, 'VC_UNSECURED'],
    ['without a holder', {}, { holder: undefined }, 'VC_UNSECURED'],
    ['that has ended', { validUntil: created }, {}, 'VC_EXPIRED'],
    ['that begins later', { validFrom: '2999-01-01T00:00:00Z' }, {}, 'VC_NOT_YET_VALID'],
    [
      'with a status that cannot be told',
      { credentialStatus: { type: 'https://x.example/Status' } },
      {},
      'VC_STATUS_UNSUPPORTED',
    ],
    ['of a batch', { type: ['VerifiableCredential', 'SensorBatchCredential'] }, {}, 'VC_UNSECURED'],
  ])('%s', async (_, changes, how, code) => {
    const report = await shown([claim(changes)], how);
    expect(partOf(report)?.code).toBe(code);
    expect(report.code).toBe(code);
  });

  it('without a holder says that one is missing', async () => {
    const report = await shown([claim()], { holder: undefined });
    expect(partOf(report)?.reason).toContain('without holder');
  });

  it('stands beside others, each with a verdict of its own', async () => {
    const secured = await addProof(claim({ issuer: rail.did }), rail.signer, {
      purpose: 'assertionMethod',
      created,
    });
    const report = await shown([
      claim(),
      envelope(token(claim())),
      secured,
      claim({ issuer: rail.did }),
    ]);
    expect(report.inner?.map(({ code }) => code)).toEqual([
      'VC_VALID',
      'VC_VALID',
      'VC_VALID',
      'VC_UNSECURED',
    ]);
  });

  it('is no better than its presentation', async () => {
    const forged = await shown([claim()], {
      change: (one) => ({ ...one, verifiableCredential: [claim({ id: 'urn:x:9' })] }),
    });
    expect([forged.code, partOf(forged)?.code]).toEqual(['VC_SIGNATURE', 'VC_SIGNATURE']);
    const foreign = await shown([claim()], { by: rail });
    expect(foreign.verdict).toBe('invalid');
    expect(partOf(foreign)?.verdict).toBe('invalid');
    const unknown = await shown([claim()], { more: { documents: withDocuments([]) } });
    expect([unknown.verdict, partOf(unknown)?.verdict]).toEqual(['undecided', 'undecided']);
    const asked = await shown([claim()], { more: { nonce: 'n1' } });
    expect(partOf(asked)?.code).toBe('VC_NONCE');
    const appended = await shown([claim()], {
      change: (one) => ({ ...one, '@context': [v2, 'https://x.example/v1'] }),
    });
    expect(partOf(appended)?.code).toBe('VC_CONTEXT_UNSIGNED');
  });

  it('is refused in a token: there every credential is secured', () => {
    const report = judge(present({ verifiableCredential: [claim()] }));
    expect([report.code, partOf(report)?.code]).toEqual(['VC_UNSECURED', 'VC_UNSECURED']);
  });

  it('is refused outside: alone, in an array, and in a presentation within', async () => {
    expect(judge(claim()).code).toBe('VC_UNSECURED');
    expect(judge([claim()]).code).toBe('VC_UNSECURED');
    const within = envelope(present({ verifiableCredential: [claim()] }), 'vp+jwt');
    expect(judge([within]).code).toBe('VC_UNSECURED');
  });

  it('is refused where others rely on its kind: papers and all that acts', async () => {
    const paper = JSON.parse(familyFor(ticket()).compose(ticket())) as JsonObject;
    const carrier = memoryOrganisation(northline.id, 'Northline');
    const document = { ...carrier.document, authentication: [carrier.signer.keyId] };
    const more = { documents: withDocuments([{ ...carrier, document }]), atMs };
    const report = await shown([paper], { by: carrier, holder: carrier.did, more });
    expect(partOf(report)?.code).toBe('VC_UNSECURED');
  });
});
