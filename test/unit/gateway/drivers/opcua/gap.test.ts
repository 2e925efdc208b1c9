import { describe, expect, it } from 'vitest';
import { limits } from '../../../../../devices/limits.ts';
import { createDeviceLog } from '../../../../../gateway/drivers/device-log.ts';
import { Gap } from '../../../../../gateway/drivers/opcua/gap.ts';
import { openGapFile } from '../../../../../gateway/drivers/opcua/open-gap.ts';
import { driverContext } from '../../../../support/driver-context.ts';
import { manualClock } from '../../../../support/manual-clock.ts';
import { collector, freshFolder } from '../../../../support/opcua-device.ts';

const START = 1_767_225_600_000;

/** A gap of `kept`, which has a history, and `plain`, which has none. */
function gapWith(
  options: { dataDirectory?: string; isDiskFull?: () => boolean; lastMs?: number } = {},
) {
  const clock = manualClock(START);
  const { dataDirectory = freshFolder(), isDiskFull = () => false, lastMs } = options;
  const history = lastMs === undefined ? {} : { history: { messages: [], lastMs } };
  const context = driverContext('line-1', { clock, dataDirectory, ...history });
  const got = collector(async () => {
    if (isDiskFull()) throw new Error('the disk is full');
  });
  const log = createDeviceLog({ device: 'line-1', clock, log: context.log });
  const gap = new Gap({
    context,
    log,
    samplingMs: 0,
    points: () => ['kept', 'plain'],
    deliver: got.deliver,
    onReport: () => undefined,
  });
  const left = () => openGapFile(context).left;
  const lost = (point: string) => got.missing.filter(({ points }) => points.includes(point));
  /** Lets what was handed over become durable. */
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { clock, dataDirectory, gap, left, lost, settle };
}

describe('the gap of a device', () => {
  it('is on disk before the loss of what has a history is held back', () => {
    const { gap, left } = gapWith();
    gap.setHistoric(new Set(['kept']));
    gap.durable({ samples: [{ point: 'kept', sourceTimeMs: 7 } as never] });
    gap.open(START - 50, 'timeout');
    expect(left()).toEqual({
      held: ['kept'],
      heldMs: START - 50,
      otherMs: START - 50,
      spans: [{ fromMs: START - 50, cause: 'timeout' }],
      last: { kept: 7 },
    });
  });

  it('says on disk what was reported, when that is durable and not before', async () => {
    let isDiskFull = true;
    const { clock, gap, left, lost, settle } = gapWith({ isDiskFull: () => isDiskFull });
    gap.setHistoric(new Set(['kept']));
    gap.open(START, 'timeout');
    gap.start();
    clock.advance(limits.opcuaLossMs);
    await settle();
    expect(left()?.otherMs).toBe(START);
    isDiskFull = false;
    clock.advance(limits.opcuaLossMs);
    await settle();
    expect(left()).toMatchObject({ heldMs: START, otherMs: START + 2 * limits.opcuaLossMs });
    expect(lost('kept')).toEqual([]);
    await gap.close([]);
    expect(left()).toBeUndefined();
  });

  it('is left on disk where its loss was not kept', async () => {
    const { clock, gap, left } = gapWith({ isDiskFull: () => true });
    gap.setHistoric(new Set(['kept']));
    gap.open(START, 'timeout');
    clock.advance(5);
    await gap.close(['kept', 'plain']);
    gap.caughtUp();
    expect(left()).toMatchObject({ heldMs: START, otherMs: START });
  });

  it('is not removed by the end of the one before', async () => {
    const { clock, gap, left } = gapWith();
    gap.setHistoric(new Set(['kept']));
    gap.open(START, 'timeout');
    clock.advance(5);
    const closed = gap.close(['kept', 'plain']);
    gap.mark(START + 5, 'absent');
    await closed;
    expect(left()).toMatchObject({ heldMs: START + 5 });
    gap.caughtUp();
    expect(left()).toBeUndefined();
  });

  it('is held back for so long, then signed, and history fills only what comes after', async () => {
    const { clock, gap, lost, settle } = gapWith();
    gap.setHistoric(new Set(['kept']));
    gap.open(START, 'timeout');
    clock.advance(limits.opcuaHistoryDeferMs);
    gap.start();
    clock.advance(limits.opcuaLossMs);
    await settle();
    const nowMs = clock.nowMs();
    expect(lost('kept').map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual([[START, nowMs]]);
    expect(gap.fromOf('kept')).toBe(nowMs);
  });

  it('is signed at once where the disk does not take its beginning', async () => {
    const { clock, gap, lost, settle } = gapWith({ dataDirectory: '/nonexistent' });
    gap.setHistoric(new Set(['kept']));
    gap.open(START, 'timeout');
    gap.start();
    clock.advance(limits.opcuaLossMs);
    await settle();
    expect(lost('kept').map(({ fromMs }) => fromMs)).toEqual([START]);
  });

  it('of a killed gateway has the causes of before, of its absence and of now', async () => {
    const before = gapWith();
    before.gap.setHistoric(new Set(['kept']));
    before.gap.open(START - 5_000, 'timeout');
    const { dataDirectory } = before;
    const { clock, gap, left, lost } = gapWith({ dataDirectory, lastMs: START - 3_000 });
    gap.restore();
    expect(left()?.heldMs).toBe(START - 5_000);
    gap.because('refused');
    clock.advance(500);
    await gap.close(['kept', 'plain']);
    const told = (point: string) =>
      lost(point).map(({ cause, fromMs = 0, toMs = 0 }) => [cause, fromMs - START, toMs - START]);
    const expected = [
      ['timeout', -5_000, -3_000],
      ['not-running', -3_000, 0],
      ['refused', 0, 500],
    ];
    expect(told('kept')).toEqual(expected);
    expect(told('plain')).toEqual(expected);
    expect(left()).toBeUndefined();
  });
});
