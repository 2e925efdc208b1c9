/** Credentials about parties: all have signed who have to, and taking one signature out shows. */
import { expect, it } from 'vitest';
import { families } from '../../../../devices/credential/party/families.ts';
import { addProof } from '../../../../devices/credential/proof/add-proof.ts';
import type { JsonObject } from '../../../../devices/credential/vcdm-values.ts';
import { atMs, created, judge, mill, rail, token, uuid } from '../../../support/presented.ts';

const transfer: JsonObject = JSON.parse(
  families.custody.compose({
    kind: 'custody',
    act: 'transfer',
    id: uuid(5),
    event: uuid(4),
    issuer: { id: mill.did, name: 'Mill' },
    from: { id: mill.did, name: 'Mill' },
    to: { id: rail.did, name: 'Rail' },
    goods: `${mill.did}/heat/1`,
    atMs: atMs - 120_000,
    validFromMs: atMs - 120_000,
    seals: [],
    status: [],
  }),
);

it('a transfer of custody needs both, one over the other', async () => {
  const purpose = 'assertionMethod';
  const first = await addProof(transfer, mill.signer, { purpose, created, id: uuid(6) });
  expect(judge(first)).toMatchObject({ verdict: 'invalid', code: 'VC_PROOF_CHAIN' });
  const both = await addProof(first, rail.signer, { purpose, created, previousProof: uuid(6) });
  expect(judge(both).verdict, judge(both).reason).toBe('valid');
  const beside = await addProof(first, rail.signer, { purpose, created });
  expect(judge(beside).code).toBe('VC_PROOF_CHAIN');
  expect(judge(token(transfer)).code).toBe('VC_PROOF_CHAIN');
});
