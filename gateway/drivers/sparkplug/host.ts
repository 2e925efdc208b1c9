/**
 * The MQTT client of a Sparkplug host application: one session with one broker under one host id,
 * with its death as the will, its subscriptions, and then its birth as the first thing it says.
 * It publishes STATE and rebirth requests, and has no way to publish anything else.
 */
import { limits } from '../../../devices/limits.ts';
import type { Incoming } from '../mqtt/intake.ts';
import { type BrokerSettings, SparkplugClient } from './client.ts';
import { parseState, rebirthRequest, stateMessage } from './command.ts';
import { EdgeNode } from './node.ts';
import { filtersOf, parseTopic, stateTopic } from './topic.ts';

export interface HostOptions extends BrokerSettings {
  readonly hostId: string;
  readonly reorderMs: number;
  /** The client that had this host id before has ended. */
  readonly after: Promise<void>;
  /** Another host application uses our host id. */
  readonly onForeignHost: () => void;
}

/** Keep-alive finds a dead connection after at most one and a half of its intervals. */
const UNNOTICED_MS = limits.mqttKeepaliveS * 1_500;

export class SparkplugHost {
  readonly #counts = { retained: 0, foreignTopics: 0, foreignHosts: 0 };
  readonly #options: HostOptions;
  readonly #nodes = new Map<string, EdgeNode>();
  #client: SparkplugClient | undefined;
  /** Time of the CONNECT: that of its will, and so of its birth. */
  #connectMs = 0;
  #closed = false;

  constructor(options: HostOptions) {
    this.#options = options;
    void options.after.then(() => {
      if (!this.#closed) this.#client = this.#open();
    });
  }

  /** What was counted since the host was opened. */
  counts(): Readonly<Record<string, number>> {
    return { ...this.#counts, ...this.#client?.counts };
  }

  /** The edge node; heard from now on. */
  node(group: string, edgeNode: string): EdgeNode {
    const key = `${group}/${edgeNode}`;
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const { clock, reorderMs } = this.#options;
    const requestRebirth = () =>
      void this.#client?.publish(rebirthRequest(group, edgeNode, clock.nowMs()));
    const node = new EdgeNode({ group, edgeNode, reorderMs, clock, requestRebirth });
    this.#nodes.set(key, node);
    const client = this.#client;
    if (client?.isUp) {
      void client.add(filtersOf(group, edgeNode)).then(() => client.isUp && node.connected());
    }
    return node;
  }

  /** Nobody hears the edge node any more; the next session does not subscribe to it. */
  forget(group: string, edgeNode: string): void {
    const key = `${group}/${edgeNode}`;
    this.#nodes.get(key)?.close();
    this.#nodes.delete(key);
  }

  /** Says that the host is no longer there (…-host-application-termination), and disconnects. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const node of this.#nodes.values()) node.close();
    const { clock, hostId } = this.#options;
    await this.#client?.close(() => stateMessage(hostId, false, clock.nowMs()));
  }

  #open(): SparkplugClient {
    const { after: _, onForeignHost: __, reorderMs: ___, hostId, ...broker } = this.#options;
    return new SparkplugClient({
      ...broker,
      will: () => {
        this.#connectMs = broker.clock.nowMs();
        return stateMessage(hostId, false, this.#connectMs);
      },
      topics: () => {
        const nodes = [...this.#nodes.values()];
        const filters = nodes.flatMap(({ group, edgeNode }) => filtersOf(group, edgeNode));
        return [stateTopic(hostId), ...filters];
      },
      onMessage: (message) => this.#take(message),
      onUp: () => this.#up(),
      onDown: (reason) => this.#down(reason),
    });
  }

  /** The subscriptions stand: the birth goes first, with the time of the will. */
  #up(): void {
    this.#sayOnline();
    for (const node of this.#nodes.values()) node.connected();
  }

  /** All that came over this broker is stale (§5.4, an assertion without a name). */
  #down(reason: string): void {
    const sinceMs = this.#options.clock.nowMs() - UNNOTICED_MS;
    for (const node of this.#nodes.values()) void node.disconnected(`broker: ${reason}`, sinceMs);
  }

  /** Resolves when what was said is durable. */
  async #take({ topic, payload, retained }: Incoming): Promise<void> {
    if (this.#closed) return;
    if (topic === stateTopic(this.#options.hostId)) return this.#hearState(payload);
    if (retained) {
      // Nothing but STATE is ever retained: what a broker kept may be years old.
      this.#counts.retained += 1;
      return;
    }
    const parsed = parseTopic(topic);
    const node = parsed && this.#nodes.get(`${parsed.group}/${parsed.edgeNode}`);
    if (parsed === undefined || node === undefined) {
      this.#counts.foreignTopics += 1;
      return;
    }
    await node.take(parsed, payload, this.#options.clock.nowMs());
  }

  /** Somebody says that we are not there, such as the will of our last session. */
  #hearState(payload: Uint8Array): void {
    const said = parseState(payload);
    if (said === undefined || !this.#client?.isUp) return;
    if (!said.online) {
      // tck-id-message-flow-hid-sparkplug-state-message-delivered
      this.#sayOnline();
    } else if (said.timestamp > this.#connectMs) {
      this.#counts.foreignHosts += 1;
      this.#options.onForeignHost();
    }
  }

  /** Its birth, with the time of its will. */
  #sayOnline(): void {
    void this.#client?.publish(stateMessage(this.#options.hostId, true, this.#connectMs));
  }
}
