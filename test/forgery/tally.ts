/** Brings forgeries to the doors, and counts what was brought and what went wrong. */
import type { Forgery } from './case.ts';
import { type Brought, type Office, verify } from './doors.ts';

const TAKEN = ['accepted', 'doubtful'];

/** Whether any of the ways in took it. */
export const isTaken = ({ uplink, submitted, desk }: Brought): boolean =>
  TAKEN.includes(uplink.result.outcome) ||
  TAKEN.includes(submitted.outcome) ||
  ['added', 'known', 'removed'].includes(desk.result);

export class Tally {
  readonly kinds = new Set<string>();
  readonly places = new Set<string>();
  readonly pairs = new Set<string>();
  /** The most that one judgement took of a processor. */
  slowest = { ms: 0, what: '' };
  readonly #office: Office;

  constructor(office: Office) {
    this.#office = office;
  }

  count({ kind, place }: Forgery): void {
    this.kinds.add(kind);
    this.places.add(place);
    this.pairs.add(`${kind} @ ${place}`);
  }

  /** What is wrong with how forgeries were received, one line a fault. */
  async faultsOf(forgeries: AsyncIterable<Forgery> | Iterable<Forgery>): Promise<string[]> {
    const faults: string[] = [];
    for await (const one of forgeries) {
      this.count(one);
      const found = await this.#bring(one).catch((error: unknown) => [`THROWN ${String(error)}`]);
      faults.push(...found.map((fault) => `${one.kind} @ ${one.place}: ${fault}`));
    }
    return faults;
  }

  async #bring(one: Forgery): Promise<string[]> {
    const faults: string[] = [];
    const { bytes, codes, admitted, given, gateway, only } = one;
    if (only !== 'ingester') {
      const { verdict, code, reason } = await this.timed(one, () => verify(bytes, given));
      if (verdict === 'valid') faults.push(`VALID, ${reason}`);
      if (code === 'VC_INTERNAL') faults.push(reason);
      if (codes && !codes.includes(code)) faults.push(`${code}, ${reason}`);
    }
    if (only !== 'verifier') {
      const brought = await this.timed(one, () => this.#office.bring(bytes, gateway));
      if (isTaken(brought)) faults.push(`TAKEN ${JSON.stringify(brought)}`);
      const { outcome, code = '' } = brought.uplink.result;
      if (admitted && !admitted.includes(code)) faults.push(`${outcome} ${code} at the uplink`);
    }
    return faults;
  }

  /** Time on a processor, since this machine may have others to serve meanwhile. */
  async timed<T>({ kind, place }: Forgery, judge: () => Promise<T>): Promise<T> {
    const start = process.threadCpuUsage();
    const judged = await judge();
    const { user, system } = process.threadCpuUsage(start);
    const ms = (user + system) / 1_000;
    if (ms > this.slowest.ms) this.slowest = { ms, what: `${kind} @ ${place}` };
    return judged;
  }

  toString(): string {
    const { kinds, places, pairs, slowest } = this;
    const counts = `${kinds.size} kinds x ${places.size} places (${pairs.size} forgeries)`;
    return `${counts}; the slowest took ${Math.round(slowest.ms)} ms: ${slowest.what}`;
  }
}
