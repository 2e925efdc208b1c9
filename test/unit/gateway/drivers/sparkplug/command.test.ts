import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseState,
  rebirthRequest,
  stateMessage,
} from '../../../../../gateway/drivers/sparkplug/command.ts';
import { decodePayload } from '../../../../../gateway/drivers/sparkplug/payload.ts';

const folder = new URL('../../../../../gateway/drivers/sparkplug/', import.meta.url);

describe('what a host can publish', () => {
  it.each([
    'tck-id-operational-behavior-data-commands-ncmd-rebirth-verb',
    'tck-id-operational-behavior-data-commands-ncmd-rebirth-name',
    'tck-id-operational-behavior-data-commands-ncmd-rebirth-value',
    'tck-id-operational-behavior-data-commands-ncmd-verb',
    'tck-id-topics-ncmd-timestamp',
    'tck-id-topics-ncmd-payload',
    'tck-id-topics-ncmd-mqtt',
    'tck-id-payloads-ncmd-timestamp',
    'tck-id-payloads-ncmd-seq',
    'tck-id-payloads-ncmd-qos',
    'tck-id-payloads-ncmd-retain',
  ])('%s: a rebirth request', () => {
    const message = rebirthRequest('g', 'n', 1_234.5);
    expect(message).toMatchObject({ topic: 'spBv1.0/g/NCMD/n', qos: 0, retain: false });
    const payload = decodePayload(message.payload);
    expect(payload).not.toHaveProperty('seq');
    expect(payload).toMatchObject({
      timestamp: 1_234n,
      metrics: [
        {
          name: 'Node Control/Rebirth',
          timestamp: 1_234n,
          value: { kind: 'boolean', value: true },
        },
      ],
    });
    expect(payload?.metrics).toHaveLength(1);
  });

  it.each([
    'tck-id-payloads-state-birth-payload',
    'tck-id-host-topic-phid-birth-payload',
    'tck-id-host-topic-phid-death-payload',
    'tck-id-payloads-state-will-message-payload',
  ])('%s: a STATE is JSON with these two members', () => {
    for (const online of [true, false]) {
      const message = stateMessage('host', online, 1_767_225_600_000.7);
      expect(message).toMatchObject({ topic: 'spBv1.0/STATE/host', qos: 1, retain: true });
      const said: unknown = JSON.parse(message.payload.toString('utf8'));
      expect(said).toEqual({ online, timestamp: 1_767_225_600_000 });
    }
  });

  it('is nothing else: only one file publishes, and only messages that one other makes', () => {
    const sources = readdirSync(folder, { encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }));
    const among = (words: RegExp) =>
      sources.filter(({ text }) => words.test(text)).map(({ name }) => name);
    // Into mqtt.js there is one call; `command.ts` alone names the topics that it can go to.
    const calls = sources.flatMap(({ text }) => text.match(/client\.publish\(topic/g) ?? []);
    expect(calls).toHaveLength(1);
    expect(among(/client\.publish\(topic/)).toEqual(['client.ts']);
    expect(among(/: HostMessage \{\n/)).toEqual(['command.ts']);
    expect(among(/commandTopic\(|NCMD|DCMD/)).toEqual(['command.ts', 'topic.ts']);
    expect(among(/encodeRequest\(/)).toEqual(['command.ts', 'payload.ts']);
    expect(among(/Writer\.create/)).toEqual(['payload.ts']);
    expect(among(/DCMD/)).toEqual([]);
  });
});

describe('a STATE that is heard', () => {
  it('is read, and anything else is not', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.nat(), (online, timestamp) => {
        const { payload } = stateMessage('h', online, timestamp);
        expect(parseState(payload)).toEqual({ online, timestamp });
      }),
    );
    for (const text of ['', 'OFFLINE', 'null', '{}', '{"online":"no","timestamp":1}', '[1]']) {
      expect(parseState(Buffer.from(text)), text).toBeUndefined();
    }
  });
});
