/** Lint and a simulated flow computer: quiet about the shipped profile, loud about a spoilt one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModbusPlace, PointDefinition } from '../../../../devices/profile.ts';
import { liquidFlowComputer } from '../../../../devices/profiles/liquid-flow-computer.ts';
import { createModbusDriver } from '../../../../gateway/drivers/modbus.ts';
import { type Finding, judge } from '../../../../gateway/lint/judge.ts';
import { observe } from '../../../../gateway/lint/observe.ts';
import { driverContext } from '../../../support/driver-context.ts';

const cli = fileURLToPath(new URL('../../../../simulators/cli.ts', import.meta.url));
let child: ChildProcess;
let port = 0;

beforeAll(async () => {
  const args = ['device', 'liquid-flow-computer', '--attached', '--pace', '20', '--every', '50'];
  child = spawn(process.execPath, [cli, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const output = child.stdout ?? expect.fail();
  const line = await new Promise<string>((resolve) =>
    createInterface({ input: output }).once('line', resolve),
  );
  port = (JSON.parse(line) as { port: number }).port;
});

afterAll(async () => {
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.stdin?.end();
  await ended;
});

type Points = Readonly<Record<string, PointDefinition>>;

/** The shipped points, each with its place changed. */
function spoilt(change: (place: ModbusPlace) => ModbusPlace): Points {
  return Object.fromEntries(
    Object.entries(liquidFlowComputer.points).map(([name, point]) => [
      name,
      point.modbus ? { ...point, modbus: change(point.modbus) } : point,
    ]),
  );
}

async function lint(points: Points): Promise<Finding[]> {
  const observed = await observe({
    driver: createModbusDriver(),
    connection: { host: '127.0.0.1', port, unitId: 1, timeoutMs: 2_000 },
    points,
    context: driverContext(),
    everyMs: 100,
    waitMs: 15_000,
    signal: new AbortController().signal,
  });
  return judge(observed.series, observed.guesses);
}

function isFloat(name: string): boolean {
  return liquidFlowComputer.points[name]?.modbus?.encoding.type.startsWith('float') ?? false;
}

describe('lint of a simulated flow computer', () => {
  it('finds nothing wrong with the shipped profile, time after time', async () => {
    for (let time = 0; time < 3; time += 1) {
      expect(await lint(liquidFlowComputer.points)).toEqual([]);
    }
  });

  it.each(['CDAB', 'BADC', 'DCBA'] as const)(
    'says ABCD where the profile says %s',
    async (order) => {
      const findings = await lint(
        spoilt((place) => ({ ...place, encoding: { ...place.encoding, order } })),
      );
      const orders = findings.filter(({ kind, point }) => kind === 'order' && isFloat(point));
      const floats = Object.keys(liquidFlowComputer.points).filter(isFloat);
      // Zeros, and the few numbers that are as likely the other way round, cannot be told.
      expect(orders.length).toBeGreaterThan(floats.length / 2);
      const right = orders.filter((finding) => finding.order?.startsWith('ABCD'));
      expect(right.length / orders.length).toBeGreaterThan(0.8);
    },
  );

  it('says width enron where the profile leaves it out', async () => {
    const findings = await lint(
      spoilt((place) => {
        const { width: _, ...narrow } = place;
        return narrow;
      }),
    );
    const wide = findings.filter(({ kind }) => kind === 'width');
    expect(wide.length).toBeGreaterThan(3);
    for (const { point, write } of wide) {
      expect(write).toMatch(/^width: enron/);
      expect(liquidFlowComputer.points[point]?.modbus?.width).toBe('enron');
    }
  });
});
