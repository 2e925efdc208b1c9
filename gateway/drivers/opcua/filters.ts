/** The filters that a server applies before it sends: deadbands of values, conditions of events. */
import type { EventFilter, Opcua } from './library.ts';
import type { EventNode } from './nodes.ts';
import { EVENT_HEAD } from './notification.ts';
import type { Deadband } from './plan.ts';
import type { OpcuaSettings } from './settings.ts';
import type { EventWhere } from './settings-data.ts';

const VALUE = 13;
const SEVERITY = { namespaceIndex: 0, name: 'Severity' };

/**
 * What makes the server send a value. A value that was written again unchanged is still a sample,
 * so a new source time is enough by default; with a deadband it is not (OPC 10000-4 §7.22.2: then
 * the trigger is that of a changed value), and that is said rather than left to the server.
 */
export function valueFilter(
  { client }: Opcua,
  deadband: Deadband | undefined,
  trigger: OpcuaSettings['trigger'],
) {
  const { DataChangeFilter, DataChangeTrigger, DeadbandType } = client;
  if (deadband && trigger !== 'status') {
    const isAbsolute = 'absolute' in deadband;
    return new DataChangeFilter({
      trigger: DataChangeTrigger.StatusValue,
      deadbandType: isAbsolute ? DeadbandType.Absolute : DeadbandType.Percent,
      deadbandValue: isAbsolute ? deadband.absolute : deadband.percent,
    });
  }
  const triggers = {
    status: DataChangeTrigger.Status,
    value: DataChangeTrigger.StatusValue,
    timestamp: DataChangeTrigger.StatusValueTimestamp,
  };
  return new DataChangeFilter({
    trigger: triggers[trigger],
    deadbandType: DeadbandType.None,
    deadbandValue: 0,
  });
}

/**
 * Selects type, time and our fields of one event type, and lets only that type through, and of
 * its events those that the site wants.
 */
export function eventFilter(
  opcua: Opcua,
  event: EventNode,
  wanted: NonNullable<OpcuaSettings['events']>[string] | undefined,
): EventFilter {
  const { EventFilter, SimpleAttributeOperand, makeNodeId } = opcua.client;
  const BASE_EVENT_TYPE = makeNodeId(2041);
  const head = EVENT_HEAD.map((name) => ({
    typeDefinitionId: BASE_EVENT_TYPE,
    browsePath: [{ namespaceIndex: 0, name }],
  }));
  const own = event.fields.map(({ path }) => ({
    typeDefinitionId: event.typeId,
    browsePath: [...path],
  }));
  return new EventFilter({
    selectClauses: [...head, ...own].map(
      (clause) => new SimpleAttributeOperand({ ...clause, attributeId: VALUE }),
    ),
    whereClause: whereClause(opcua, event, wanted),
  });
}

/** The type and all conditions, joined by And from the left (OPC 10000-4 §7.7.1). */
function whereClause(
  { client }: Opcua,
  event: EventNode,
  wanted: NonNullable<OpcuaSettings['events']>[string] | undefined,
) {
  const { ContentFilter, ContentFilterElement, ElementOperand, FilterOperator, LiteralOperand } =
    client;
  const { SimpleAttributeOperand, DataType, Variant } = client;
  const severity: EventWhere[] =
    wanted?.minSeverity === undefined
      ? []
      : [{ path: '0:Severity', is: '>=', value: wanted.minSeverity }];
  const tests = [...severity, ...(wanted?.where ?? [])];
  const operators = {
    '=': FilterOperator.Equals,
    '<': FilterOperator.LessThan,
    '<=': FilterOperator.LessThanOrEqual,
    '>': FilterOperator.GreaterThan,
    '>=': FilterOperator.GreaterThanOrEqual,
  };
  const types = {
    string: DataType.String,
    number: DataType.Double,
    boolean: DataType.Boolean,
  };
  const ofType = new ContentFilterElement({
    filterOperator: FilterOperator.OfType,
    filterOperands: [
      new LiteralOperand({
        value: new Variant({ dataType: DataType.NodeId, value: event.typeId }),
      }),
    ],
  });
  const elements = tests.map(({ path, is, value }) => {
    const kind = typeof value as 'string' | 'number' | 'boolean';
    const dataType = path === '0:Severity' ? DataType.UInt16 : types[kind];
    return new ContentFilterElement({
      filterOperator: operators[is],
      filterOperands: [
        new SimpleAttributeOperand({
          typeDefinitionId: event.typeId,
          browsePath: [...(event.where.get(path) ?? [SEVERITY])],
          attributeId: VALUE,
        }),
        new LiteralOperand({ value: new Variant({ dataType, value }) }),
      ],
    });
  });
  // And(And(type, first), second), outermost first, since the first element is the whole.
  const ands = tests.map(
    (_, index) =>
      new ContentFilterElement({
        filterOperator: FilterOperator.And,
        filterOperands: [
          new ElementOperand({ index: index + 1 < tests.length ? index + 1 : tests.length }),
          new ElementOperand({ index: 2 * tests.length - index }),
        ],
      }),
  );
  return new ContentFilter({ elements: [...ands, ofType, ...elements] });
}
