/**
 * Lists of nodes in service calls of a bounded size. A server that takes fewer at a time than we
 * ask (telegraf #14568: above 1,000 nodes a secured server closes) gets them in halves.
 */
import { limits } from '../../../devices/limits.ts';

/** Calls once a chunk, in order, and halves a chunk that the server finds too large. */
export async function inCalls<T, R>(
  list: readonly T[],
  call: (chunk: readonly T[]) => Promise<readonly R[]>,
  size: number = limits.opcuaNodesPerCall,
): Promise<R[]> {
  const results: R[] = [];
  for (const chunk of chunks(list, size)) results.push(...(await inHalves(chunk, call)));
  return results;
}

async function inHalves<T, R>(
  chunk: readonly T[],
  call: (chunk: readonly T[]) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  try {
    return await call(chunk);
  } catch (error) {
    if (chunk.length < 2 || !TOO_LARGE.test(String(error))) throw error;
    const middle = chunk.length >> 1;
    const first = await inHalves(chunk.slice(0, middle), call);
    return [...first, ...(await inHalves(chunk.slice(middle), call))];
  }
}

/** OPC 10000-4 §7.39: the codes of a call that holds more than the server takes. */
const TOO_LARGE =
  /BadTooManyOperations|BadTooManyMonitoredItems|BadRequestTooLarge|BadResponseTooLarge|BadEncodingLimitsExceeded/;

/** The list in parts of at most `size`. */
export function chunks<T>(list: readonly T[], size: number): T[][] {
  const result: T[][] = [];
  for (let at = 0; at < list.length; at += size) result.push(list.slice(at, at + size));
  return result;
}
