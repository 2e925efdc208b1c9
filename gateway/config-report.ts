/** Report by exception, as a configuration writes it: of one device's points, or in a profile. */
import { limits } from '../devices/limits.ts';
import type { DeviceProfile, PointDefinition } from '../devices/profile.ts';
import { type SchemaMistake, type Static, Type } from '../devices/schema.ts';

const closed = { additionalProperties: false } as const;

/** The deadband of a point: one of the two. */
export const deadbandSchema = Type.Object(
  {
    absolute: Type.Optional(
      Type.Number({ description: 'In the unit of the point. 0: any change.', minimum: 0 }),
    ),
    percent: Type.Optional(
      Type.Number({
        description: 'Percent of the span of the point’s range.',
        minimum: 0,
        maximum: 100,
      }),
    ),
  },
  {
    ...closed,
    description:
      'A value is signed when it moved by more than this since the last signed one; absolute or percent.',
  },
);

/** The longest time between two signed values of a point. */
export const maxSilenceSchema = Type.Integer({
  description: `With a deadband, a value is signed at least this often, milliseconds. Default ${limits.reportSilenceMsDefault}.`,
  minimum: 10,
  maximum: 86_400_000,
});

const reportSetting = Type.Object(
  {
    deadband: Type.Optional(deadbandSchema),
    maxSilenceMs: Type.Optional(maxSilenceSchema),
    always: Type.Optional(
      Type.Boolean({ description: 'Every value is signed, whatever the profile says.' }),
    ),
  },
  { ...closed, description: 'How one point reports; what is absent is as the profile says.' },
);

export type ReportSetting = Static<typeof reportSetting>;

/** The member `report` of a device. */
export const reportSchema = Type.Record(Type.String(), reportSetting, {
  description:
    'Points that report by exception, by name: values that say nothing new are counted and not signed.',
  examples: [{ temperature: { deadband: { absolute: 0.5 }, maxSilenceMs: 60_000 } }],
});

/** Mistakes of a device's `report` that its schema cannot see; paths are below the device. */
export function checkReport(
  report: Readonly<Record<string, ReportSetting>> | undefined,
  profile: DeviceProfile,
): SchemaMistake[] {
  return Object.entries(report ?? {}).flatMap(([name, setting]) => {
    const path = ['report', name];
    const point = Object.hasOwn(profile.points, name) ? profile.points[name] : undefined;
    if (!point) {
      const message = `profile ${profile.name} has no point "${name}"`;
      return [{ path, message, unknownKey: name }].map((at) => ({ ...at, path: ['report'] }));
    }
    if (setting.always !== true && (setting.deadband ?? point.deadband) === undefined) {
      const message = '"deadband" is required here: without one every value is signed';
      return [{ path, message }];
    }
    return checkDeadband(setting.deadband, point, [...path, 'deadband']);
  });
}

/** Mistakes of a deadband; also for profiles that are written out. */
export function checkDeadband(
  deadband: Static<typeof deadbandSchema> | undefined,
  point: Pick<PointDefinition, 'range'>,
  path: readonly (string | number)[],
): SchemaMistake[] {
  if (deadband === undefined) return [];
  const { absolute, percent } = deadband;
  if ((absolute === undefined) === (percent === undefined)) {
    return [{ path, message: 'write one of "absolute" and "percent"' }];
  }
  if (percent !== undefined && point.range === undefined) {
    const message = 'there is no range that this could be percent of: write "absolute"';
    return [{ path: [...path, 'percent'], message }];
  }
  return [];
}
