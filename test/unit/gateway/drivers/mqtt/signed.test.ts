import { describe, expect, it } from 'vitest';
import { signToken } from '../../../../../devices/credential/jws.ts';
import { limits } from '../../../../../devices/limits.ts';
import { refusalOfSigned } from '../../../../../gateway/drivers/mqtt/signed.ts';
import { memorySigner } from '../../../../support/identity.ts';
import { BatchMaker } from '../../../../support/signed-batch.ts';

const sensor = memorySigner();
const gateway = memorySigner().did;
const NOW = 1_767_225_600_000;
const expected = { signer: sensor.did, gateway };

describe('a payload that its device signed', () => {
  it('may be passed on when it is a batch of that device for this gateway', async () => {
    const token = await new BatchMaker(sensor, gateway).next(NOW);
    expect(refusalOfSigned(token, expected)).toBeUndefined();
  });

  it('is refused when one byte of it is another, when somebody else signed it or is to carry it', async () => {
    const maker = new BatchMaker(sensor, gateway);
    const token = await maker.next(NOW);
    const changed = Buffer.from(token);
    const at = changed.length - 20;
    changed[at] = changed[at] === 0x41 ? 0x42 : 0x41;
    const stranger = await new BatchMaker(memorySigner(), gateway).next(NOW);
    const elsewhere = await new BatchMaker(sensor, memorySigner().did).next(NOW);
    for (const [bytes, why] of [
      [changed, 'does not verify'],
      [stranger, 'not by signedBy'],
      [elsewhere, 'as its gateway'],
    ] as const) {
      const refusal = refusalOfSigned(bytes, expected);
      expect(refusal?.cause, why).toBe('refused');
      expect(refusal?.reason).toContain(why);
    }
  });

  it('is nonsense when it is no token, no batch or too large', async () => {
    const payload = JSON.stringify({ type: ['VerifiableCredential'], issuer: sensor.did });
    const other = await signToken({ payload, signer: sensor, typ: 'vc+jwt' });
    const batchType = JSON.stringify({
      type: ['VerifiableCredential', 'SensorBatchCredential'],
      issuer: sensor.did,
    });
    const halfBatch = await signToken({ payload: batchType, signer: sensor, typ: 'vc+jwt' });
    for (const bytes of [
      Buffer.from('{"air":1}'),
      other,
      halfBatch,
      Buffer.alloc(limits.batchBytesMax + 1, 0x41),
    ]) {
      expect(refusalOfSigned(bytes, expected)?.cause).toBe('nonsense');
    }
  });
});
