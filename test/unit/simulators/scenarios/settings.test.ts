import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { choosePort, writeSettings } from '../../../../simulators/scenarios/settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'bondline-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the port of a scenario', () => {
  it('is the preferred one while that is free; else another, and it says which was taken', async () => {
    const server = createServer();
    const taken = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address ? address.port : 0);
      });
    });
    const said: string[] = [];
    const other = await choosePort(taken, 'the console', (line) => said.push(line));
    expect(other).not.toBe(taken);
    expect(said).toEqual([`port ${taken} is taken; the console uses ${other}`]);
    await new Promise((done) => server.close(done));
    expect(await choosePort(taken, 'the console', (line) => said.push(line))).toBe(taken);
    expect(said).toHaveLength(1);
  });
});

describe('the settings of a scenario', () => {
  it('go into a copy of the example, whose comments stay', () => {
    const [template, target] = [join(folder, 'template.yaml'), join(folder, 'target.yaml')];
    writeFileSync(
      template,
      '# what it is\nhttp:\n  port: 8080 # the console\nsources: [{ port: 1 }]\n',
    );
    const settings = [
      [['http', 'port'], 8081],
      [['sources', 0, 'port'], 2],
    ] as const;
    writeSettings({ template, target, settings });
    expect(readFileSync(target, 'utf8')).toBe(
      '# what it is\nhttp:\n  port: 8081 # the console\nsources: [ { port: 2 } ]\n',
    );
  });
});
