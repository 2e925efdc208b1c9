/**
 * The only two messages that this driver can publish: that the host application is there or is
 * not, and the request that an edge node be born again. Neither changes a value of any process,
 * and there is no way to make a third: a topic and a payload leave this file only together.
 */
import { encodeRequest } from './payload.ts';
import { commandTopic, stateTopic } from './topic.ts';

/** A message with all that decides how it is published. Only this file makes one. */
export interface HostMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

/**
 * A host application's birth (`online`) or death, retained and at QoS 1. Its time is that of the
 * CONNECT for the will and the birth, and of the disconnect for a death that is published.
 */
export function stateMessage(hostId: string, online: boolean, timestamp: number): HostMessage {
  const payload = Buffer.from(JSON.stringify({ online, timestamp: Math.trunc(timestamp) }));
  return { topic: stateTopic(hostId), payload, qos: 1, retain: true };
}

/** What a STATE message says, or `undefined` where it does not say it in JSON (3.0). */
export function parseState(
  payload: Uint8Array,
): { readonly online: boolean; readonly timestamp: number } | undefined {
  try {
    const said: unknown = JSON.parse(Buffer.from(payload).toString('utf8'));
    if (typeof said !== 'object' || said === null) return undefined;
    const { online, timestamp } = Object.fromEntries(Object.entries(said));
    if (typeof online !== 'boolean' || typeof timestamp !== 'number') return undefined;
    return { online, timestamp };
  } catch {
    return undefined;
  }
}

/** The request that an edge node publish its birth certificates again. */
export function rebirthRequest(group: string, edgeNode: string, timeMs: number): HostMessage {
  const payload = Buffer.from(encodeRequest('Node Control/Rebirth', Math.trunc(timeMs)));
  return { topic: commandTopic(group, edgeNode), payload, qos: 0, retain: false };
}
