/** Looking around in a server's address space, in answers of a bounded size. */
import { limits } from '../../../devices/limits.ts';
import type { NodeId, Session } from './library.ts';

/** What a reference leads to. */
export interface Child {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly namespaceIndex: number;
}

/** Nodes that references of one kind and its subtypes lead to; `direction` 0 forward, 1 inverse. */
export async function browseChildren(
  session: Session,
  nodeId: NodeId | string,
  referenceTypeId: string,
  direction: 0 | 1 = 0,
): Promise<Child[]> {
  let result = await session.browse({
    nodeId,
    referenceTypeId,
    includeSubtypes: true,
    browseDirection: direction,
    nodeClassMask: 0,
    // Reference type and browse name.
    resultMask: 0x09,
  });
  const children: Child[] = [];
  for (;;) {
    for (const reference of result.references ?? []) {
      const name = reference.browseName;
      if (name.name === null) continue;
      children.push({
        nodeId: reference.nodeId,
        name: name.name,
        namespaceIndex: name.namespaceIndex,
      });
    }
    const point = result.continuationPoint;
    if (!point || point.length === 0 || children.length >= limits.opcuaBrowseMax) return children;
    result = await session.browseNext(point, false);
  }
}
