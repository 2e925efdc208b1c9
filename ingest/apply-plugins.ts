/**
 * What the fold is composed of: registered kinds, rules and device profiles. This is the one
 * composition root of everything that folds (the apply worker, the query worker, a rebuild), so
 * that they can never disagree.
 */
import { allPointsOf, profileDigest } from '../devices/profile.ts';
import { profiles } from '../devices/profiles/registry.ts';
import type { FoldPlugins } from './fold.ts';
import { kinds } from './kinds/registry.ts';
import { rules } from './rules/registry.ts';

export const foldPlugins: FoldPlugins = {
  kinds,
  rules,
  profilePoints: new Map(
    Object.values(profiles).map((profile) => [
      profileDigest(profile),
      new Set(Object.keys(allPointsOf(profile))),
    ]),
  ),
};
