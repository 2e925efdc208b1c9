/** Asks the ingester, with a deadline. */
import type {
  Doubts,
  HeldDevice,
  KindInfo,
  Papers,
  Proof,
  Status,
  Twin,
  TwinList,
} from './wire.ts';

const DEADLINE_MS = 10_000;

async function ask<T>(path: string): Promise<T> {
  return (await (await fetched(path)).json()) as T;
}

async function fetched(path: string): Promise<Response> {
  const response = await fetch(path, { signal: AbortSignal.timeout(DEADLINE_MS) });
  if (!response.ok) {
    const body = (await response.json().catch(() => ({}))) as { message?: string };
    throw new Error(body.message ?? `the ingester answered ${response.status}`);
  }
  return response;
}

export const askTwins = (after?: string): Promise<TwinList> =>
  ask(`./api/twins${after === undefined ? '' : `?after=${encodeURIComponent(after)}`}`);

export const askTwin = (id: string): Promise<Twin> => ask(`./api/twins/${encodeURIComponent(id)}`);

export const askKinds = async (): Promise<readonly KindInfo[]> =>
  (await ask<{ kinds: readonly KindInfo[] }>('./api/kinds')).kinds;

export const askStatus = (): Promise<Status> => ask('./api/status');

export const askHeld = async (): Promise<readonly HeldDevice[]> =>
  (await ask<{ held: readonly HeldDevice[] }>('./api/held')).held;

/** What waits for an officer; with a device, all that ever was in doubt of it. */
export const askDoubts = (device?: string): Promise<Doubts> =>
  ask(`./api/doubts${device === undefined ? '' : `?all=1&device=${encodeURIComponent(device)}`}`);

export const askProof = (id: string, attribute: string): Promise<Proof> =>
  ask(`./api/twins/${encodeURIComponent(id)}/proof/${encodeURIComponent(attribute)}`);

export const askPapers = (id: string): Promise<Papers> =>
  ask(`./api/twins/${encodeURIComponent(id)}/papers`);

/** Where the evidence behind a proof is: the bytes as they were signed. */
export function evidencePath({ credential, enrolment }: Proof): string {
  const named = enrolment === undefined ? '' : `?enrolment=${enrolment.position}`;
  return `./api/evidence/${credential.position}${named}`;
}

export const askEvidence = async (proof: Proof): Promise<string> =>
  (await fetched(evidencePath(proof))).text();
