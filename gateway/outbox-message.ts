/** What the outbox's client and its worker say to each other. */
import type { UnlockedKeyStore } from '../devices/io/key-store-open.ts';
import type { LogField, LogLevel } from '../devices/runtime.ts';
import type { Outbox, WhenFull } from './outbox.ts';

/** What the worker opens. */
export interface OutboxSettings {
  /** The database's file. */
  readonly file: string;
  readonly keys: UnlockedKeyStore;
  /** The token counts each batch before it is signed. */
  readonly countBatches?: boolean;
  /** Labels of the keys: the gateway's and each device's. */
  readonly labels: readonly string[];
  readonly bytesMax: number;
  readonly whenFull: WhenFull;
}

export interface Identity {
  readonly label: string;
  readonly did: string;
}

/** What the gateway says of itself, signed with its own key. */
export interface Vouched {
  readonly payload: string;
  readonly typ: 'bondline-certificate-request+jwt' | 'bondline-witness+jwt';
}

/** Signs that. */
export type Vouch = (vouched: Vouched) => Promise<Uint8Array>;

type Method = Exclude<keyof Outbox, 'close'>;

export type OutboxRequest =
  | {
      readonly id: number;
      readonly method: Method;
      readonly parameter: Parameters<Outbox[Method]>[0];
    }
  | { readonly id: number; readonly method: 'close'; readonly parameter: undefined }
  | { readonly id: number; readonly method: 'vouch'; readonly parameter: Vouched }
  | { readonly id: number; readonly method: 'openKeys'; readonly parameter: readonly string[] };

/** An error on its way between threads, which carries neither its class nor its code by itself. */
export interface SentError {
  readonly code?: string;
  readonly message: string;
}

export type OutboxReply =
  | { readonly kind: 'ready'; readonly identities: readonly Identity[] }
  | { readonly kind: 'failed'; readonly error: SentError }
  | { readonly kind: 'done'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'rejected'; readonly id: number; readonly error: SentError }
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: Record<string, LogField>;
    };
