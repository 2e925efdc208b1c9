/**
 * A Modbus TCP server of our own (neither the gateway's code nor its library): function codes 1
 * to 4, several units behind one port, faults on demand, and a ledger of every value that left.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { EdgeError } from '../../devices/errors.ts';
import type { Clock } from '../../devices/runtime.ts';
import type { Ledger } from '../ledger.ts';
import { AnswerGate, type ModbusFault, parseFault } from './modbus-fault.ts';
import { frameOf, frameReader, type ModbusRequest, refusal, replyOf } from './modbus-frame.ts';
import type { ModbusUnit } from './modbus-unit.ts';

export interface ModbusServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Units by unit id (0 to 255). A request for another unit gets no answer, as on a bus. */
  readonly units: ReadonlyMap<number, ModbusUnit>;
  readonly clock: Clock;
  readonly ledger: Ledger;
}

const CONNECTIONS_MAX = 64;

/** A listening server; it must be closed. */
export class ModbusServer {
  readonly host: string;
  readonly port: number;
  /** Requests that were answered in full, exceptions included. */
  answered = 0;
  readonly #options: ModbusServerOptions;
  readonly #server: Server;
  readonly #gate: AnswerGate;
  readonly #sockets = new Set<Socket>();
  readonly #faults = new Map<number, ModbusFault>();
  #fault: ModbusFault = { kind: 'none' };

  private constructor(options: ModbusServerOptions, server: Server, port: number) {
    this.#options = options;
    this.#server = server;
    this.#gate = new AnswerGate(options.clock);
    this.host = options.host;
    this.port = port;
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** @throws EdgeError SIM_PORT_TAKEN */
  static async start(options: ModbusServerOptions): Promise<ModbusServer> {
    const server = createServer({ noDelay: true });
    const port = await listen(server, options.host, options.port);
    return new ModbusServer(options, server, port);
  }

  get url(): string {
    return `modbus://${this.host}:${this.port}`;
  }

  /** Open connections. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Sets the fault of one unit, or of all units when none is named. */
  setFault(fault: ModbusFault, unitId?: number): void {
    if (unitId !== undefined) {
      this.#faults.set(unitId, fault);
      return;
    }
    this.#faults.clear();
    this.#fault = fault;
  }

  /** Sends the answers that the fault `hold` kept back. */
  release(): void {
    this.#gate.release();
  }

  /**
   * Does what a typed line asks: `fault KIND [NUMBER]` for all units, `release` for answers held
   * back. False when the line is neither.
   */
  obey(line: string): boolean {
    if (line === 'release') {
      this.release();
      return true;
    }
    const fault = line.startsWith('fault ') ? parseFault(line.slice(6)) : undefined;
    if (fault) this.setFault(fault);
    return fault !== undefined;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    if (this.#sockets.size >= CONNECTIONS_MAX) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    const take = frameReader((request) => this.#handle(socket, request));
    socket.on('data', (chunk) => {
      // A header that makes no sense cannot be skipped: where the next begins is not known.
      if (!take(chunk)) socket.destroy();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #handle(socket: Socket, { transaction, unitId, pdu }: ModbusRequest): void {
    const unit = this.#options.units.get(unitId);
    if (!unit) return;
    const fault = this.#faults.get(unitId) ?? this.#fault;
    const reply =
      fault.kind === 'exception' ? refusal(pdu.readUInt8(0), fault.code) : replyOf(unit, pdu);
    this.#gate.pass(fault, {
      socket,
      frame: frameOf(transaction, unitId, reply.pdu),
      onSent: () => {
        reply.note(this.#options.clock.nowMs(), this.#options.ledger);
        this.answered += 1;
      },
    });
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new EdgeError('SIM_PORT_TAKEN', `listening on ${host}:${port}`, { cause }));
    });
    server.listen({ host, port }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}
