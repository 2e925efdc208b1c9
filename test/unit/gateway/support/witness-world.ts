/** A gateway as a witness on a real folder, and the ingester that it listens to. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Statement } from '../../../../devices/credential/checkpoint.ts';
import { signToken } from '../../../../devices/credential/jws.ts';
import { createLog } from '../../../../devices/runtime.ts';
import type { Send } from '../../../../gateway/forward.ts';
import { createWitness, type Witness } from '../../../../gateway/witness.ts';
import {
  type Doubt,
  evidenceFile,
  keptFile,
  witnessFolder,
} from '../../../../gateway/witness-folder.ts';
import { memorySigner } from '../../../support/identity.ts';
import { manualClock } from '../../../support/manual-clock.ts';
import { entriesOf, noticeOf, statementOf, TestJournal } from './record-world.ts';

export class WitnessSite {
  readonly directory = mkdtempSync(join(tmpdir(), 'witness-'));
  readonly clock = manualClock();
  readonly gateway = memorySigner();
  readonly record = new TestJournal(entriesOf(64));
  /** The ingester that is pinned. */
  ingester = memorySigner();
  folder = witnessFolder(this.directory);
  readonly lines: string[] = [];
  readonly sent: Statement[] = [];
  readonly failures: unknown[] = [];
  /** What signing waits for. */
  signing: () => Promise<void> = async () => undefined;
  send: Send = async (bytes) => void this.sent.push(statementOf(bytes));
  witness = this.start();

  /** As a new process would. */
  start(): Witness {
    const { clock, gateway } = this;
    const write = (line: string) => void this.lines.push(line);
    this.witness = createWitness({
      folder: this.folder,
      gateway: gateway.did,
      ingester: () => this.ingester.did,
      vouch: async (payload) => {
        await this.signing();
        return signToken({ payload, signer: gateway, typ: 'bondline-witness+jwt' });
      },
      onFailure: (error) => void this.failures.push(error),
      clock,
      log: createLog({ component: 't', level: 'info', clock, write }),
    });
    return this.witness;
  }

  /** A notice arrives, and is done with. */
  async hear(size: number, from?: number, of = this.record, issuedMs?: number): Promise<void> {
    const proven = { ...(from !== undefined && { from }), ...(issuedMs && { issuedMs }) };
    await this.hearBytes(await noticeOf(of, { signer: this.ingester, size, ...proven }));
  }

  async hearBytes(bytes: Uint8Array): Promise<void> {
    this.witness.hear(bytes, this.send);
    await this.witness.idle();
  }

  /** Entries of what is kept on disk. */
  kept(): number | undefined {
    if (!existsSync(keptFile(this.folder))) return undefined;
    return statementOf(readFileSync(keptFile(this.folder))).checkpoint.size;
  }

  evidence(doubt: Doubt = 'contradiction'): Record<string, unknown> {
    return JSON.parse(readFileSync(evidenceFile(this.folder, doubt), 'utf8'));
  }

  names(below = ''): string[] {
    return readdirSync(join(this.folder, below)).sort();
  }

  /** Lines of the log at a level. */
  said(level: 'info' | 'warn' | 'error'): string[] {
    return this.lines.filter((line) => line.split(' ')[1] === level);
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
