/** The part of the ingester's configuration that bounds what others can make it take and keep. */
import { limits } from '../devices/limits.ts';
import { Type } from '../devices/schema.ts';

const closed = { additionalProperties: false } as const;

const perSecond = (what: string, byDefault: number) =>
  Type.Integer({ minimum: 1, maximum: 1_000_000_000_000, default: byDefault, description: what });

const rate = (whose: string, messages: number, bytes: number) =>
  Type.Object(
    {
      messagesPerSecond: perSecond(`Messages each second of ${whose}.`, messages),
      bytesPerSecond: perSecond(`Bytes each second of ${whose}.`, bytes),
    },
    { ...closed, default: {}, description: `What is read of ${whose}.` },
  );

const MIB = 1024 * 1024;

/** How fast sources may send. */
export const rates = Type.Object(
  {
    gateway: rate('a gateway that is known', 10_000, 256 * MIB),
    papersPerSecond: perSecond('Papers (custody, enrolments) each second of one gateway.', 250),
    stranger: rate('a gateway of which nothing proven has come yet', 50, 2 * MIB),
    strangers: rate('all those together', 500, 16 * MIB),
  },
  {
    ...closed,
    default: {},
    description:
      'How fast sources may send, before anything is verified; what four seconds give may come at once. Who sends more is read more slowly, and keeps meanwhile what it has.',
  },
);

/** How much of what is refused is kept. */
export const refusals = Type.Object(
  {
    gatewayDayBytes: Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      default: limits.refusalDayBytesDefault,
      description: 'Bytes of what one gateway had refused in a day.',
    }),
    totalBytes: Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      default: limits.refusalTotalBytesDefault,
      description: 'Bytes of all that was ever refused.',
    }),
  },
  {
    ...closed,
    default: {},
    description:
      'How much of what is refused for good the journal keeps as evidence. What is refused beyond is counted by gateway and reason; the log and `refusedNotKept` in /api/status tell when that begins.',
  },
);

/** How often others get something by which a rewritten journal shows. */
export const checkpoints = Type.Object(
  {
    everySeconds: Type.Integer({
      minimum: 1,
      maximum: 300,
      default: limits.checkpointSecondsDefault,
      description: 'Seconds from one to the next, where the journal grew meanwhile.',
    }),
  },
  {
    ...closed,
    default: {},
    description:
      'Signed checkpoints of the journal, which gateways keep; what is younger than the newest of them can still be rewritten unseen.',
  },
);
