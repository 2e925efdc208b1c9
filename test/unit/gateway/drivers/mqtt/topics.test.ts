import { describe, expect, it } from 'vitest';
import { isShared, planTopics, unshared } from '../../../../../gateway/drivers/mqtt/topics.ts';

function plan(device: string, points: Record<string, string>) {
  return planTopics(device, Object.entries(points), (found) => [...found].sort().join(' '));
}

describe('the topics of a device', () => {
  it('are its own, with those of its points below', () => {
    const topics = plan('yard/box', { air: 'telemetry', door: 'telemetry', all: '' });
    expect(topics.filters).toEqual(['yard/box/telemetry', 'yard/box']);
    expect(topics.find('yard/box/telemetry')).toBe('air door');
    expect(topics.find('yard/box')).toBe('all');
    expect(topics.find('yard/box/telemetry/more')).toBeUndefined();
    expect(topics.find('yard/boxes')).toBeUndefined();
  });

  it('may have any one level for +, the empty one too', () => {
    const topics = plan('yard/+/reefer', { air: 'telemetry' });
    expect(topics.filters).toEqual(['yard/+/reefer/telemetry']);
    expect(topics.find('yard/MSKU9070323/reefer/telemetry')).toBe('air');
    expect(topics.find('yard//reefer/telemetry')).toBe('air');
    expect(topics.find('yard/a/b/reefer/telemetry')).toBeUndefined();
  });

  it('may have any number of levels for #, before those of the point', () => {
    const topics = plan('yard/#', { air: 'reefer/air', door: 'door', any: '' });
    expect(topics.filters).toEqual(['yard/#']);
    expect(topics.find('yard/reefer/air')).toBe('air any');
    expect(topics.find('yard/a/b/reefer/air')).toBe('air any');
    expect(topics.find('yard/a/door')).toBe('any door');
    expect(topics.find('yard/a/indoor')).toBe('any');
    expect(topics.find('yard')).toBe('any');
    expect(topics.find('yards/a')).toBeUndefined();
    expect(plan('#', { air: 'air' }).find('a/b/air')).toBe('air');
  });

  it('takes letters that mean something in a pattern as they are', () => {
    const topics = plan('a.b/(c)+', { x: '[1]*' });
    expect(topics.find('a.b/(c)+/[1]*')).toBe('x');
    expect(topics.find('aXb/(c)+/[1]*')).toBeUndefined();
  });

  it('are shared by a group without its name in the messages', () => {
    const topics = plan('$share/yard/boxes/+', { air: 'air' });
    expect(topics.filters).toEqual(['$share/yard/boxes/+/air']);
    expect(topics.find('boxes/7/air')).toBe('air');
    expect(isShared('$share/yard/boxes')).toBe(true);
    expect(isShared('yard/$share/x/y')).toBe(false);
    expect(unshared('$share/yard/boxes/#')).toBe('boxes/#');
  });
});
