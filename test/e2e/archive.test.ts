/**
 * The line to a flow computer is cut for longer than a gap may be: what passed meanwhile comes from
 * its own archive, signed as that, and ends in the device's twin beside the present, not over it.
 * The computer runs far ahead of time, so that its hour is over while the line is cut.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readExport } from '../../simulators/scenarios/ingester-api.ts';
import { RunningCommand } from '../support/commands.ts';
import { eventually } from '../support/eventually.ts';
import { Site, siteOrganisation } from '../support/site.ts';

const directory = mkdtempSync(join(tmpdir(), 'bondline-archives-'));

interface Twin {
  readonly kind: string;
  readonly attributes: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** The cable to the device, which can be cut and mended. */
class Cable {
  readonly #far: number;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  isCut = false;

  constructor(far: number) {
    this.#far = far;
    this.#server = createServer((near) => {
      if (this.isCut) return near.destroy();
      const there = dial(this.#far, '127.0.0.1');
      for (const [from, to] of [
        [near, there],
        [there, near],
      ] as const) {
        this.#open.add(from);
        from.on('error', () => to.destroy()).on('close', () => to.destroy());
        from.pipe(to);
      }
      return undefined;
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening));
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.#open) socket.destroy();
    this.#open.clear();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

describe('a line that is cut for longer than a gap may be', () => {
  let site: Site;
  let gateway: RunningCommand;
  let meter: RunningCommand;
  let cable: Cable;

  beforeAll(async () => {
    const fixed = ['device', 'liquid-flow-computer', '--attached', '--name', 'fc-1'];
    meter = new RunningCommand('sim', [...fixed, '--pace', '3600', '--every', '50']);
    cable = new Cable(Number((await meter.ready())['port']));
    const port = await cable.listen();
    const device = {
      name: 'fc-1',
      profile: 'liquid-flow-computer',
      driver: 'modbus',
      connection: { host: '127.0.0.1', port, timeoutMs: 500, archives: { gapMs: 1_000 } },
      goods: `${siteOrganisation}/batch/`,
      everyMs: 100,
      flushMs: 100,
      enrolment: 'enrolments/fc-1.jwt',
    };
    ({ site } = await Site.create({
      directory,
      devices: [JSON.stringify(device)],
      goods: 'batch/',
    }));
    gateway = await site.startGateway('--drain', '20');
  }, 60_000);

  afterAll(async () => {
    await site?.close();
    await meter?.kill();
    cable?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Twins with what is known of them. */
  const readTwins = async (http: string): Promise<readonly Twin[]> => {
    const answer = await fetch(`${http}/api/twins`);
    return ((await answer.json()) as { twins: Twin[] }).twins;
  };

  const readings = async () =>
    (await readExport(site.http, 0)).filter(({ kind }) => kind === 'reading') as unknown as {
      readonly [name: string]: unknown;
      readonly point: string;
    }[];

  it('is filled from the archive, and the present stays the present', async () => {
    await gateway.line((line) => Number(line['delivered']) > 0);
    expect((await readings()).filter(({ quality }) => quality === 'archived')).toEqual([]);
    const cutMs = Date.now();
    cable.cut();
    await eventually(() => Date.now() - cutMs > 1_500, 'a gap');
    cable.isCut = false;
    const archived = await eventually(
      async () => {
        const found = (await readings()).filter(({ quality }) => quality === 'archived');
        return found.some(({ point }) => point === 'hourGrossStandardVolume') && found;
      },
      'records of the archive',
      40_000,
    );
    for (const { point, status } of archived) {
      expect(point).toMatch(/^(hour|day)[A-Z]/);
      expect(status).toMatch(/^modbus:archive:(hourly|daily)/);
    }
    // The record is of the hour in which the line was cut, and was fetched after that.
    const [first] = archived;
    expect(Number(first?.['timeMs'])).toBeGreaterThanOrEqual(cutMs);
    expect(Number(first?.['gatewayTimeMs'])).toBeGreaterThan(cutMs);

    const twins = await eventually(async () => {
      const found = await readTwins(site.http);
      const known = found.some(({ attributes }) => 'hourGrossStandardVolume' in attributes);
      return known && found;
    }, 'the device’s twin');
    const of = (kind: string) =>
      twins.find((twin) => twin.kind === kind)?.attributes ?? expect.fail(kind);
    expect(of('device')['hourGrossStandardVolume']).toMatchObject({ quality: 'archived' });
    // What passes now is said by what is read now: no record stands in the goods' twin.
    const goods = of('pipeline-batch');
    expect(Object.keys(goods).filter((name) => /^(hour|day)[A-Z]/.test(name))).toEqual([]);
    expect(goods['flowRate']).toMatchObject({ quality: 'good' });
    const observedMs = Number(goods['flowRate']?.['observedMs']);
    await eventually(async () => {
      const [batch] = (await readTwins(site.http)).filter(({ kind }) => kind === 'pipeline-batch');
      return Number(batch?.attributes['flowRate']?.['observedMs']) > observedMs;
    }, 'newer values after the records');
    expect(await gateway.stop(), gateway.said).toBe(0);
  }, 90_000);
});
