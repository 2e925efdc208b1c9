/** Puts a change before the ingester that runs on a data directory; control.json has its token. */
import { EdgeError } from '../../devices/errors.ts';
import { readControl } from '../control.ts';

const TIMEOUT_MS = 30_000;

/**
 * The answer to a POST at `path`. The ingester's own words are the cause of what goes wrong.
 *
 * @throws EdgeError IN_CONTROL
 */
export async function askRunning(data: string, path: string, body: string): Promise<unknown> {
  const control = readControl(data);
  if (control === undefined) {
    throw new EdgeError('IN_CONTROL', `looking for the ingester that runs on ${data}`);
  }
  const { http, token } = control;
  try {
    const answer = await fetch(`${http}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      body,
    });
    if (answer.ok) return await answer.json();
    const { message } = (await answer.json()) as { message?: string };
    throw new Error(message ?? `status ${answer.status}`);
  } catch (cause) {
    throw new EdgeError('IN_CONTROL', `asking the ingester at ${http}`, { cause });
  }
}
