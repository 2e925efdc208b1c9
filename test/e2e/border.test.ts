/** The demonstration as a newcomer runs it: three sites, three protocols, one ingester. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { mustRun, runCli } from '../support/commands.ts';

interface Counts {
  sampled: number;
  signed: number;
  delivered: number;
  verified: number;
  held: number;
  refused: number;
  lost: number;
}

interface Summary {
  sites: Record<string, Counts>;
  total: Counts;
  latencyMs: { p50: number; p99: number };
  twins: { id: string; kind: string; what: string; who: Record<string, string>; where: string }[];
  alerts: { code: string; twin: string; since: string }[];
}

const directory = mkdtempSync(join(tmpdir(), 'bondline-border-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function run(seconds: number, ...more: string[]): Promise<{ summary: Summary; err: string }> {
  const result = await runCli(
    'sim',
    ['run', 'border', '--for', String(seconds), '--json', '--data', directory, ...more],
    { timeoutMs: 150_000 },
  );
  expect(result.code, result.err).toBe(0);
  const last = result.out.trim().split('\n').at(-1) ?? '';
  return { summary: JSON.parse(last) as Summary, err: result.err };
}

describe('the scenario border', () => {
  let first: Summary;

  it('moves the twins of all three sites and loses nothing', async () => {
    ({ summary: first } = await run(15, '--fresh'));
    expect(Object.keys(first.sites).sort()).toEqual(['hamilton', 'neche', 'nogales']);
    for (const [name, site] of Object.entries(first.sites)) {
      expect(site.lost, name).toBe(0);
      expect(site.refused, name).toBe(0);
      expect(site.signed, name).toBeGreaterThan(0);
      expect(site.delivered, name).toBe(site.signed);
      expect(site.verified, name).toBe(site.signed);
      expect(site.sampled, name).toBe(site.signed);
    }
    const sum = Object.values(first.sites).reduce((total, site) => total + site.signed, 0);
    expect(first.total.signed).toBe(sum);
    expect(first.latencyMs.p50).toBeGreaterThan(0);
    expect(first.latencyMs.p99).toBeGreaterThanOrEqual(first.latencyMs.p50);
  });

  it('shows twins of every kind with what, who and where', () => {
    const kinds = new Set(first.twins.map((twin) => twin.kind));
    for (const kind of [
      'pipeline-batch',
      'steel-heat',
      'steel-piece',
      'container',
      'device',
      'facility',
    ]) {
      expect(kinds, `a twin of kind ${kind}`).toContain(kind);
    }
    for (const twin of first.twins.filter((t) => t.kind !== 'device' && t.kind !== 'facility')) {
      expect(twin.what, twin.kind).not.toBe('');
      expect(twin.who['possessor'], twin.what).toBeTruthy();
      expect(twin.where, twin.what).not.toBe('unknown');
    }
  });

  it('leaves twins that follow from the journal, and that the command finds', async () => {
    const config = join(directory, 'ingest', 'ingest.yaml');
    const check = await mustRun('ingest', ['rebuild', config, '--check', '--json']);
    expect(JSON.parse(check)).toMatchObject({ equal: true, differences: [] });
    const list = (await mustRun('ingest', ['twin', config, '--json'])).trim().split('\n');
    const twins = list.map(
      (line) => JSON.parse(line) as { id: string; uri: string; label: string },
    );
    expect(twins.map(({ id }) => id).sort()).toEqual(first.twins.map(({ id }) => id).sort());
    const batch = twins.find(({ uri }) => uri.startsWith('did:web:northline.example/batch/'));
    for (const name of [batch?.id, batch?.uri, batch?.label]) {
      const one = await mustRun('ingest', ['twin', config, name ?? '', '--json']);
      expect(JSON.parse(one)).toMatchObject({ id: batch?.id });
    }
    const unknown = await runCli('ingest', ['twin', config, 'no such twin']);
    expect(unknown.code).toBe(1);
    expect(unknown.err).toContain('IN_TWIN_UNKNOWN');
  });

  it('continues from what is stored at a second start', async () => {
    const { summary } = await run(5);
    expect(summary.total.lost).toBe(0);
    const before = new Set(first.twins.map((twin) => twin.id));
    const kept = summary.twins.filter((twin) => before.has(twin.id));
    expect(kept.length).toBe(before.size);
  });
});
