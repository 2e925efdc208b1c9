/** Every example configuration is what it says: the commands accept it as it stands. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { border } from '../simulators/scenarios/border/border.ts';
import { projectRoot, runCli } from './support/commands.ts';

const files = readdirSync(join(projectRoot, 'examples'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yaml'))
  .sort();

describe('the examples', () => {
  it('are there for every site of the demonstration, and for a meter of one’s own', () => {
    expect(files).toEqual([
      'border/hamilton/gateway.yaml',
      'border/ingest.yaml',
      'border/neche/gateway.yaml',
      'border/nogales/gateway.yaml',
      'own-meter/gateway.yaml',
      'own-meter/ingest.yaml',
    ]);
  });

  it.each(files)('%s passes its check', async (file) => {
    const command = file.endsWith('ingest.yaml') ? 'ingest' : 'gateway';
    const result = await runCli(command, ['check', join(projectRoot, 'examples', file)]);
    expect(result.err + result.out).not.toMatch(/:\d+:\d+: /);
    expect(result.code).toBe(0);
  });

  it('have the routes that the demonstration runs on', () => {
    const text = readFileSync(join(projectRoot, 'examples', 'border', 'routes.geojson'), 'utf8');
    expect(JSON.parse(text)).toEqual(border.routes);
  });
});
