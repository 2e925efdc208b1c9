/**
 * What modbus-serial does for us: it makes the bytes of requests, for reads only. Of answers it
 * hears nothing (docs/decisions/0012).
 */
import modbusSerial from 'modbus-serial';
import type { Asked } from './frame.ts';
import type { Block } from './plan.ts';
import type { ModbusPort } from './port.ts';

// A CommonJS module that names its own default.
const ModbusClient = modbusSerial.default;

/** What to read: a block without its points. */
export type ReadRequest = Pick<Block, 'code' | 'width' | 'address' | 'quantity'>;

const hearNothing = () => undefined;

export class ReadClient {
  readonly #port: ModbusPort;
  readonly #client: InstanceType<typeof ModbusClient>;

  /** `port` must be open. */
  constructor(port: ModbusPort) {
    this.#port = port;
    this.#client = new ModbusClient(port);
    this.#client.open();
  }

  /**
   * Puts a question. A request for 4-byte registers is the same as one for others: only the length
   * of the answer differs, and `asked` says it.
   */
  read({ address, code, quantity }: ReadRequest, asked: Asked): void {
    this.#port.expect(asked);
    switch (code) {
      case 1:
        this.#client.writeFC1(asked.unit, address, quantity, hearNothing);
        break;
      case 2:
        this.#client.writeFC2(asked.unit, address, quantity, hearNothing);
        break;
      case 3:
        this.#client.writeFC3(asked.unit, address, quantity, hearNothing);
        break;
      case 4:
        this.#client.writeFC4(asked.unit, address, quantity, hearNothing);
        break;
    }
  }
}
