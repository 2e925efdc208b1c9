import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestMultibase } from '../../../../devices/profile.ts';
import { systemClock, systemRandom } from '../../../../devices/runtime.ts';
import { runTrust } from '../../../../ingest/commands/trust.ts';
import { sources } from '../../../../ingest/sources/registry.ts';
import { type HttpsSite, siteCertificate, startHttpsSite } from '../../../support/https-site.ts';
import { memoryOrganisation } from '../../../support/identity.ts';
import { type IngesterFolder, ingesterFolder } from '../../../support/ingester.ts';

let folder: IngesterFolder;
let site: HttpsSite;
let published: string;
let did: string;
let pem: string;
let complaints: string;

beforeEach(async () => {
  folder = ingesterFolder();
  complaints = '';
  const certificate = await siteCertificate(['localhost']);
  site = await startHttpsSite(certificate, (_, response) => response.end(published));
  did = `did:web:localhost%3A${site.port}:mill`;
  published = JSON.stringify(memoryOrganisation(did, 'Mill').document);
  pem = certificate.cert;
});

afterEach(async () => {
  await site.close();
  folder.remove();
});

function allow(): void {
  writeFileSync(join(folder.directory, 'site.pem'), pem);
  appendFileSync(
    folder.config,
    'resolve: { allowPrivate: [ localhost ], authoritiesFile: site.pem }\n',
  );
}

async function trust(...args: readonly string[]) {
  let text = '';
  const code = await runTrust([folder.config, ...args, '--json'], {
    clock: systemClock,
    random: systemRandom,
    out: (more) => {
      text += more;
    },
    err: (more) => {
      complaints += more;
    },
    terminal: false,
    pid: process.pid,
    sources,
    stop: new AbortController().signal,
    onInputEnd: () => undefined,
  });
  return { code, answer: JSON.parse(text) as { organisations?: unknown; changes?: unknown } };
}

describe('trust add DID', () => {
  it('pins the document that the organisation publishes', async () => {
    allow();
    const { code, answer } = await trust('add', did);
    expect(code).toBe(0);
    expect(answer.changes).toMatchObject([{ name: did, result: 'added', subject: did }]);
    const digest = digestMultibase(Buffer.from(published));
    expect((await trust('list')).answer.organisations).toEqual([{ did, digest }]);
  });

  it('asks a person before it takes another document', async () => {
    allow();
    await trust('add', did);
    published = JSON.stringify(memoryOrganisation(did, 'Mill').document);
    expect(await trust('add', did)).toMatchObject({
      code: 1,
      answer: { changes: [{ result: 'confirm', code: 'IN_CONFIRM' }] },
    });
    expect(await trust('add', did, '--confirm')).toMatchObject({ code: 0 });
  });

  it('pins no document without a key for claims', async () => {
    allow();
    published = published.replace('"assertionMethod"', '"authentication"');
    expect(await trust('add', did)).toMatchObject({
      code: 1,
      answer: { changes: [{ result: 'refused', code: 'VC_KEY_UNKNOWN' }] },
    });
  });

  it('goes to no private host that the configuration does not name', async () => {
    await expect(trust('add', did)).rejects.toMatchObject({ code: 'DID_METHOD_UNSUPPORTED' });
    expect(site.connections()).toBe(0);
  });

  it('pins nothing of a site whose certificate is not known', async () => {
    appendFileSync(folder.config, 'resolve: { allowPrivate: [ localhost ] }\n');
    await expect(trust('add', did)).rejects.toMatchObject({ code: 'NET_TLS' });
    expect(site.requests).toEqual([]);
  });

  it.each([
    ['resolve.allowPrivate[0]', 'allowPrivate: [ 10.0.0.0/40 ]'],
    ['resolve.external', 'external: http://resolver.example'],
  ])('names what is wrong with %s of the configuration', async (place, mistake) => {
    appendFileSync(folder.config, `resolve: { ${mistake} }\n`);
    await expect(trust('list')).rejects.toMatchObject({ code: 'CFG_INVALID' });
    expect(complaints).toContain(`${place}: `);
  });
});
