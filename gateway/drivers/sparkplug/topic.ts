/** Topics of the Sparkplug B namespace (specification 3.0 §4.1). */

const NAMESPACE = 'spBv1.0';

/** What edge nodes say; commands are not for a host to hear. */
const NODE_VERBS = ['NBIRTH', 'NDATA', 'NDEATH'] as const;
const DEVICE_VERBS = ['DBIRTH', 'DDATA', 'DDEATH'] as const;

export type Verb = (typeof NODE_VERBS)[number] | (typeof DEVICE_VERBS)[number];

/** An edge node's message, by its topic. */
export interface NodeTopic {
  readonly group: string;
  readonly edgeNode: string;
  readonly verb: Verb;
  /** Present for the verbs of a device, and only for those. */
  readonly device?: string;
}

/** What a group, edge node, device or host may be called: one level of a topic, no wildcards. */
export const ID_PATTERN = '^[^+/#\\u0000]+$';

/**
 * The parts of an edge node's topic, or `undefined` for every other one: another namespace, STATE,
 * a command, a device where none belongs, or none where one belongs.
 */
export function parseTopic(topic: string): NodeTopic | undefined {
  const [namespace, group, word, edgeNode, device, ...rest] = topic.split('/');
  if (namespace !== NAMESPACE || !group || !edgeNode || rest.length > 0) return undefined;
  const nodeVerb = NODE_VERBS.find((verb) => verb === word);
  if (nodeVerb !== undefined) {
    return device === undefined ? { group, edgeNode, verb: nodeVerb } : undefined;
  }
  const verb = DEVICE_VERBS.find((known) => known === word);
  return verb !== undefined && device ? { group, edgeNode, verb, device } : undefined;
}

/** Filters for everything that an edge node and its devices say, and nothing that is said to it. */
export function filtersOf(group: string, edgeNode: string): string[] {
  return [
    ...NODE_VERBS.map((verb) => `${NAMESPACE}/${group}/${verb}/${edgeNode}`),
    ...DEVICE_VERBS.map((verb) => `${NAMESPACE}/${group}/${verb}/${edgeNode}/+`),
  ];
}

/** Topic of an edge node's commands. */
export function commandTopic(group: string, edgeNode: string): string {
  return `${NAMESPACE}/${group}/NCMD/${edgeNode}`;
}

/** Topic of a host application's STATE. */
export function stateTopic(hostId: string): string {
  return `${NAMESPACE}/STATE/${hostId}`;
}
