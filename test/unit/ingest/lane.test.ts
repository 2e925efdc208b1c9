import { describe, expect, it } from 'vitest';
import { packToken } from '../../../devices/credential/wire-pack.ts';
import { laneOf } from '../../../ingest/lane.ts';
import { custodyStep } from '../../support/party.ts';
import { by, proven, token } from '../../support/party-office.ts';
import { readingGroups } from '../../support/signed-batch.ts';
import { makeWorld, worldMs } from '../../support/trust-world.ts';

const world = makeWorld();

describe('laneOf', () => {
  it('lets batches wait with batches, packed or not', async () => {
    const groups = readingGroups({ fromMs: worldMs, times: 3, points: 3 });
    const batch = await world.device.next(worldMs, { groups });
    expect(laneOf(batch)).toBe('batch');
    expect(laneOf(packToken(batch) as Uint8Array)).toBe('batch');
  });

  it('gives enrolments, status lists and custody steps a lane of their own, in either form', async () => {
    const step = custodyStep();
    const papers = [
      await world.enrolment(),
      await world.statusList([1]),
      await token(step),
      await proven(step, [by[step.issuer.id]]),
    ];
    expect(papers.map(laneOf)).toEqual(papers.map(() => 'paper'));
  });

  it('sees through no message that is neither a token nor JSON', () => {
    for (const text of ['', 'garbage', '.', 'a.b', 'a.'.padEnd(5_000, 'x'), 'x'.repeat(5_000)]) {
      expect(laneOf(Buffer.from(text)), text.slice(0, 10)).toBe('batch');
    }
  });

  it('looks at no more than a bounded part', () => {
    const late = { pad: 'x'.repeat(10_000), type: ['SensorBatchCredential'] };
    const payload = Buffer.from(JSON.stringify(late)).toString('base64url');
    expect(laneOf(Buffer.from(`e30.${payload}.sig`))).toBe('paper');
  });
});
