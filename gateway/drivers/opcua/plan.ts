/** What a subscription is to watch: the points of a device as monitored items. */
import { limits } from '../../../devices/limits.ts';
import type { PointDefinition } from '../../../devices/profile.ts';
import { inCalls } from './calls.ts';
import { readStructureTypes, type StructureTypes } from './definitions.ts';
import type { NodeId } from './library.ts';
import type { DeviceNodes, EventNode, VariableNode } from './nodes.ts';
import { type Part, partOf } from './part.ts';
import { readAttributes, type ServiceContext } from './services.ts';
import type { OpcuaSettings } from './settings.ts';

/** A variable, or an element of it, and the points that stand in it. */
export interface ValueItem {
  readonly kind: 'value';
  readonly nodeId: NodeId;
  readonly parts: readonly Part[];
  /** Cut out by the server. */
  readonly indexRange?: string;
  readonly samplingMs: number;
  readonly deadband?: Deadband;
  /** After this long without a word the value is read. */
  readonly silenceMs: number;
  /** Whether the server keeps the history of this value. */
  readonly historic: boolean;
}

/** In the wire's unit, or in percent of the server's EURange. */
export type Deadband = { readonly absolute: number } | { readonly percent: number };

export interface EventItem {
  readonly kind: 'event';
  readonly event: EventNode;
  readonly points: readonly string[];
}

/** What the client handle of a monitored item stands for. */
export type Item = ValueItem | EventItem;

export interface ItemPlan {
  readonly root: NodeId;
  readonly values: readonly ValueItem[];
  readonly events: readonly EventItem[];
  /** Points that are not in this server. */
  readonly absent: readonly string[];
  readonly types: StructureTypes;
}

const ACCESS_LEVEL = 17;
const USER_ACCESS_LEVEL = 18;
const HISTORIZING = 20;
/** OPC 10000-3 §8.57: the bit that says that history can be read. */
const HISTORY_READ = 4;

/** Makes the plan for the wanted points; asks the server what it keeps and how it is built. */
export async function planItems(
  context: ServiceContext,
  nodes: DeviceNodes,
  wanted: ReadonlySet<string>,
  settings: OpcuaSettings,
): Promise<ItemPlan> {
  const variables = nodes.variables.filter(({ point }) => wanted.has(point));
  const structured = variables.filter(({ definition }) => definition.opcua?.field !== undefined);
  const types = await readStructureTypes(
    context,
    structured.map(({ nodeId }) => nodeId),
  );
  const historic =
    settings.history === 'auto' && settings.mode === 'subscribe'
      ? await findHistoric(context, variables)
      : new Set<string>();
  return {
    root: nodes.root,
    values: valueItems(variables, settings, historic),
    events: nodes.events
      .filter(({ fields }) => fields.some(({ point }) => wanted.has(point)))
      .map((event) => ({
        kind: 'event',
        event,
        points: event.fields.map(({ point }) => point),
      })),
    absent: nodes.absent.filter((point) => wanted.has(point)),
    types,
  };
}

/** Points of one structure share one item; every other point has its own. */
export function valueItems(
  variables: readonly VariableNode[],
  settings: OpcuaSettings,
  historic: ReadonlySet<string> = new Set(),
): ValueItem[] {
  const items = new Map<string, ValueItem & { readonly parts: Part[] }>();
  for (const { point, nodeId, definition } of variables) {
    const place = definition.opcua;
    if (!place) continue;
    const { index, field } = place;
    const samplingMs = place.samplingMs ?? settings.samplingMs;
    const id = nodeId.toString();
    const key = field === undefined ? point : `${id} ${index ?? ''} ${samplingMs}`;
    const shared = items.get(key);
    const part = partOf(point, place);
    if (shared) {
      shared.parts.push(part);
      continue;
    }
    const deadband = field === undefined ? deadbandOf(definition) : undefined;
    items.set(key, {
      kind: 'value',
      nodeId,
      parts: [part],
      ...(index !== undefined && { indexRange: index }),
      samplingMs,
      ...(deadband && { deadband }),
      silenceMs: silenceOf(definition, settings),
      historic: historic.has(id),
    });
  }
  return [...items.values()];
}

/**
 * What the server need not send: the place's own deadband, or the point's, which is in the unit of
 * the reading and is brought back to the wire's. A conversion by table has no one slope, so there
 * the server sends all.
 */
export function deadbandOf(definition: PointDefinition): Deadband | undefined {
  const { deadband, linear, opcua, range, scale, table } = definition;
  if (opcua?.deadband) return opcua.deadband;
  if (!deadband || table) return undefined;
  const slope = linear ? (linear[3] - linear[2]) / (linear[1] - linear[0]) : (scale ?? 1);
  const inUnit =
    'absolute' in deadband
      ? deadband.absolute
      : range && (deadband.percent / 100) * (range[1] - range[0]);
  const absolute = (inUnit ?? 0) / Math.abs(slope);
  return Number.isFinite(absolute) && absolute > 0 ? { absolute } : undefined;
}

/** A point that must be signed every so often is also read that often. */
function silenceOf(definition: PointDefinition, settings: OpcuaSettings): number {
  const { deadband, maxSilenceMs } = definition;
  if (!deadband) return settings.watchdogMs;
  return Math.min(settings.watchdogMs, maxSilenceMs ?? limits.reportSilenceMsDefault);
}

/** Nodes whose history this user may read, and that are being recorded. */
async function findHistoric(
  context: ServiceContext,
  variables: readonly VariableNode[],
): Promise<ReadonlySet<string>> {
  const attributes = [ACCESS_LEVEL, USER_ACCESS_LEVEL, HISTORIZING];
  const targets = variables.flatMap(({ nodeId }) =>
    attributes.map((attributeId) => ({ nodeId, attributeId })),
  );
  const found = await inCalls(targets, (chunk) => readAttributes(context, chunk));
  const historic = new Set<string>();
  for (const [index, { nodeId }] of variables.entries()) {
    const [level, userLevel, historizing] = [0, 1, 2].map(
      (offset) => found[attributes.length * index + offset]?.value?.value,
    );
    const readable = (flags: unknown) => typeof flags === 'number' && (flags & HISTORY_READ) !== 0;
    if (readable(level) && readable(userLevel) && historizing === true) {
      historic.add(nodeId.toString());
    }
  }
  return historic;
}
