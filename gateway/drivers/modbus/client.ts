/** What modbus-serial does for us: requests to bytes and answers to data, for reads only. */
import modbusSerial from 'modbus-serial';
import type { Asked } from './frame.ts';
import type { Block } from './plan.ts';
import type { ModbusPort } from './port.ts';

// A CommonJS module that names its own default.
const ModbusClient = modbusSerial.default;

/** What to read: a block without its points. */
export type ReadRequest = Pick<Block, 'code' | 'width' | 'address' | 'quantity'>;

/** Data, an exception's code, or what is wrong. */
export type Reply =
  | { readonly data: Buffer }
  | { readonly exception: number }
  | { readonly mistake: string };

/**
 * Every register is wide for a client with this setting. modbus-serial goes by address ranges;
 * here the request says what is wide, so the range of narrow registers is one that no address is
 * in. The request is the same in both dialects; only the length of the answer differs.
 */
const ALL_WIDE = { _enron: true, _enronTables: { shortRange: [-2, -1] } };

/** modbus-serial's record of a question; with `lengthUnknown` it takes an answer of any length. */
interface Transaction {
  lengthUnknown?: boolean;
}

export class ReadClient {
  readonly #port: ModbusPort;
  readonly #standard: InstanceType<typeof ModbusClient>;
  readonly #wide: InstanceType<typeof ModbusClient>;

  /** `port` must be open. */
  constructor(port: ModbusPort) {
    this.#port = port;
    this.#standard = new ModbusClient(port);
    this.#wide = Object.assign(new ModbusClient(port), ALL_WIDE);
    this.#standard.open();
    this.#wide.open();
  }

  /** Puts a question; `take` is called at most once, with its first answer. */
  read(request: ReadRequest, asked: Asked, take: (reply: Reply) => void): void {
    const isWide = request.width === 'enron' && asked.bytes !== undefined;
    const client = isWide ? this.#wide : this.#standard;
    // Both clients hear every answer; numbers that only one of them uses tell them apart.
    const transaction = asked.slot * 2 + (isWide ? 2 : 1);
    this.#port.expect(asked, transaction);
    const { address, code, quantity } = request;
    const next = (error: unknown, result: { readonly buffer: Buffer } | undefined) =>
      take(toReply(error, result));
    switch (code) {
      case 1:
        client.writeFC1(asked.unit, address, quantity, next);
        break;
      case 2:
        client.writeFC2(asked.unit, address, quantity, next);
        break;
      case 3:
        client.writeFC3(asked.unit, address, quantity, next);
        break;
      case 4:
        client.writeFC4(asked.unit, address, quantity, next);
        break;
    }
    if (asked.bytes !== undefined) return;
    const { _transactions: transactions } = client as unknown as {
      _transactions: Record<number, Transaction>;
    };
    const record = transactions[transaction];
    if (record) record.lengthUnknown = true;
  }
}

function toReply(error: unknown, result: { readonly buffer: Buffer } | undefined): Reply {
  if (error instanceof Error) {
    const code = 'modbusCode' in error ? error.modbusCode : undefined;
    return typeof code === 'number' ? { exception: code } : { mistake: error.message };
  }
  return result === undefined ? { mistake: 'no answer' } : { data: result.buffer };
}
