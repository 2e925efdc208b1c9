/** All ways in, by the name that a configuration uses. */
import type { Source } from '../source.ts';
import { embedded } from './embedded.ts';
import { https } from './https.ts';
import { mqtt } from './mqtt.ts';

export const sources: ReadonlyMap<string, Source> = new Map(
  [embedded, https, mqtt].map((source) => [source.name, source]),
);
