/**
 * Which readings cannot wait: those of points whose profile says `urgent` (an alarm, a door, a
 * seal), when their value changes that way, and not each time that they are read. What a point
 * said before this start is unknown, so that its first reading counts as a change.
 */
import type { DeviceProfile, PointDefinition } from '../devices/profile.ts';
import type { Reading, ReadingGroup, Value } from '../devices/reading.ts';

export interface Urgency {
  /** Whether any point of the profile is urgent. */
  readonly isPossible: boolean;
  /** Whether one of these readings cannot wait; remembers their values. */
  judge(groups: readonly ReadingGroup[]): boolean;
}

type Mode = NonNullable<PointDefinition['urgent']>;

export function createUrgency(profile: Pick<DeviceProfile, 'points'>): Urgency {
  const modes = new Map<string, Mode>();
  for (const [point, { urgent }] of Object.entries(profile.points)) {
    if (urgent !== undefined) modes.set(point, urgent);
  }
  const last = new Map<string, Value>();

  function isUrgent({ point, quality, value }: Reading): boolean {
    const mode = modes.get(point);
    // What an archive gives later says nothing of now; a bad reading says nothing at all.
    if (mode === undefined || value === undefined || quality === 'archived') return false;
    const before = last.get(point);
    last.set(point, value);
    return hasChanged(mode, before, value);
  }

  return {
    isPossible: modes.size > 0,
    judge(groups) {
      if (modes.size === 0) return false;
      let found = false;
      for (const { readings } of groups) {
        for (const reading of readings) found = isUrgent(reading) || found;
      }
      return found;
    },
  };
}

/** A text neither rises nor falls: any change of it counts. */
function hasChanged(mode: Mode, before: Value | undefined, now: Value): boolean {
  if (mode === 'event') return true;
  if (before === now) return false;
  if (mode === 'change' || typeof now === 'string' || typeof before === 'string') return true;
  if (before === undefined) return mode === 'rising' ? Boolean(now) : !now;
  return mode === 'rising' ? now > before : now < before;
}
