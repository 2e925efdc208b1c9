/**
 * Modbus devices made for load: many units with many 16-bit holding registers that change at
 * every step. They stand for no real device, have no profile, and enter no ledger.
 */

import { ModbusServer } from '../servers/modbus.ts';
import { createPlainUnit, type RegisterUnit } from '../servers/modbus-unit.ts';
import type { RunningStation, StationOptions } from '../station.ts';
import { everyTick } from '../tick.ts';

/** Registers from address 0, holding words that count up by one at every step, each from its own. */
export interface LoadUnit {
  readonly unit: RegisterUnit;
  step(): void;
}

export function createLoadUnit(device: string, registers: number): LoadUnit {
  const unit = createPlainUnit(device, [
    { table: 'holding', address: 0, count: registers, width: 2 },
  ]);
  const words = new Uint16Array(registers).map((_, index) => index);
  const bytes = Buffer.alloc(registers * 2);
  const show = () => {
    for (let index = 0; index < registers; index += 1) {
      bytes.writeUInt16BE(words[index] ?? 0, index * 2);
    }
    unit.setBytes('holding', 0, bytes);
  };
  show();
  return {
    unit,
    step() {
      for (let index = 0; index < registers; index += 1) words[index] = (words[index] ?? 0) + 1;
      show();
    },
  };
}

/** @throws EdgeError SIM_PORT_TAKEN */
export async function startModbusLoad(options: StationOptions): Promise<RunningStation> {
  const count = options.units ?? 10;
  const registers = options.registers ?? 1_000;
  const loads: LoadUnit[] = [];
  for (let index = 0; index < count; index += 1) {
    loads.push(createLoadUnit(`${options.name}-${index + 1}`, registers));
  }
  const units = new Map(loads.map(({ unit }, index) => [index + 1, unit]));
  const { host, port, clock, ledger } = options;
  const server = await ModbusServer.start({ host, port, units, clock, ledger });
  let still = false;
  const stop = everyTick(clock, options.everyMs, () => {
    if (!still) for (const load of loads) load.step();
  });
  return {
    ready: { url: server.url, host: server.host, port: server.port, units: count, registers },
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
