import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  commandTopic,
  filtersOf,
  parseTopic,
  stateTopic,
} from '../../../../../gateway/drivers/sparkplug/topic.ts';

describe('topics', () => {
  it.each([
    ['tck-id-topics-nbirth-topic', 'NBIRTH'],
    ['tck-id-topics-ndata-topic', 'NDATA'],
    ['tck-id-topics-ndeath-topic', 'NDEATH'],
  ])('%s: the form of %s', (_, verb) => {
    expect(parseTopic(`spBv1.0/g/${verb}/n`)).toEqual({ group: 'g', edgeNode: 'n', verb });
    // tck-id-topic-structure-namespace-device-id-non-associated-message-types
    expect(parseTopic(`spBv1.0/g/${verb}/n/d`)).toBeUndefined();
  });

  it.each([
    ['tck-id-topics-dbirth-topic', 'DBIRTH'],
    ['tck-id-topics-ddata-topic', 'DDATA'],
    ['tck-id-topics-ddeath-topic', 'DDEATH'],
  ])('%s: the form of %s', (_, verb) => {
    const topic = { group: 'g', edgeNode: 'n', verb, device: 'd' };
    expect(parseTopic(`spBv1.0/g/${verb}/n/d`)).toEqual(topic);
    // tck-id-topic-structure-namespace-device-id-associated-message-types
    expect(parseTopic(`spBv1.0/g/${verb}/n`)).toBeUndefined();
  });

  it('tck-id-topic-structure, tck-id-topic-structure-namespace-a: nothing else is an edge node’s', () => {
    for (const topic of [
      '',
      'spAv1.0/g/NBIRTH/n',
      'spBv1.0/g/NCMD/n',
      'spBv1.0/g/DCMD/n/d',
      'spBv1.0/STATE/host',
      'spBv1.0/g/NBIRTH/',
      'spBv1.0//NBIRTH/n',
      'spBv1.0/g/DDATA/n/d/x',
      'spBv1.0/g/DDATA/n/',
      'spBv1.0/g/toString/n',
    ]) {
      expect(parseTopic(topic), topic).toBeUndefined();
    }
    fc.assert(fc.property(fc.string(), (topic) => parseTopic(topic) === undefined));
  });

  it('tck-id-topics-ncmd-topic, tck-id-host-topic-phid-birth-topic: where a host speaks', () => {
    expect(commandTopic('g', 'n')).toBe('spBv1.0/g/NCMD/n');
    expect(stateTopic('h')).toBe('spBv1.0/STATE/h');
  });

  it('filters hear every word of the edge node and its devices, and no command', () => {
    const filters = filtersOf('g', 'n').map((filter) => filter.replace('+', 'd'));
    expect(filters.map((topic) => parseTopic(topic)?.verb)).toEqual([
      'NBIRTH',
      'NDATA',
      'NDEATH',
      'DBIRTH',
      'DDATA',
      'DDEATH',
    ]);
  });
});
