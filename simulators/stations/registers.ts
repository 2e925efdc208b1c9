/**
 * Modbus devices made for load: many units whose holding registers, from address 0, hold float32
 * values in pairs that change at every step. They stand for no real device and have no profile.
 */
import { ModbusServer } from '../servers/modbus.ts';
import { createPlainUnit, type RegisterUnit } from '../servers/modbus-unit.ts';
import type { RunningStation, StationOptions } from '../station.ts';
import { everyTick } from '../tick.ts';

const UNITS = 10;
const REGISTERS = 1_000;

/** A unit whose pair n starts at n and goes up by a quarter at every step. */
export interface CountingUnit {
  readonly unit: RegisterUnit;
  step(): void;
}

export function createCountingUnit(device: string, registers: number): CountingUnit {
  const unit = createPlainUnit(device, [
    { table: 'holding', address: 0, count: registers, width: 2 },
  ]);
  const bytes = Buffer.alloc(registers * 2);
  let steps = 0;
  const show = () => {
    for (let at = 0; at + 4 <= bytes.length; at += 4) bytes.writeFloatBE(at / 4 + steps / 4, at);
    unit.setBytes('holding', 0, bytes);
  };
  show();
  return {
    unit,
    step() {
      // Kept small enough that a quarter is always exact in a float32.
      steps = (steps + 1) % 4_000_000;
      show();
    },
  };
}

/** @throws EdgeError SIM_PORT_TAKEN */
export async function startRegisters(options: StationOptions): Promise<RunningStation> {
  const { host, port, clock, ledger } = options;
  const registers = options.registers ?? REGISTERS;
  const counting = Array.from({ length: options.units ?? UNITS }, (_, index) =>
    createCountingUnit(`${options.name}-${index + 1}`, registers),
  );
  const units = new Map(counting.map(({ unit }, index) => [index + 1, unit]));
  const server = await ModbusServer.start({ host, port, units, clock, ledger });
  let still = false;
  const stop = everyTick(clock, options.everyMs, () => {
    if (!still) for (const each of counting) each.step();
  });
  return {
    ready: { url: server.url, host, port: server.port, units: counting.length, registers },
    quiet() {
      still = true;
    },
    obey: (line) => server.obey(line),
    async close() {
      stop();
      await server.close();
    },
  };
}
