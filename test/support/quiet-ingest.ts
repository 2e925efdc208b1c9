/** An ingester in this process whom nobody asks for receipts or twins, and its look for lists. */
import { expect } from 'vitest';
import { fetchDocument } from '../../devices/io/resolve/fetch-document.ts';
import { createResolver } from '../../devices/io/resolve/resolver.ts';
import {
  type Clock,
  type Log,
  silentLog,
  systemClock,
  systemRandom,
} from '../../devices/runtime.ts';
import { createInlineAdmitter } from '../../ingest/admitter.ts';
import { createIngest, type Ingest, type IngestOptions } from '../../ingest/ingest.ts';
import { createLocalJournal } from '../../ingest/journal.ts';
import type { JournalStore } from '../../ingest/journal-store.ts';
import { type StatusRefresh, startStatusRefresh } from '../../ingest/status-refresh.ts';
import type { SiteCertificate } from './https-site.ts';
import { memorySigner } from './identity.ts';

const failed = (error: unknown) => expect.unreachable(String(error));

/** An ingester of the tenant `cbp` on what the journal has; a stage that fails fails the test. */
export function quietIngest(
  store: JournalStore,
  options: Pick<IngestOptions, 'clock' | 'authorities'>,
): Ingest {
  const journal = createLocalJournal(store);
  return createIngest({
    tenant: 'cbp',
    journal,
    checks: journal.found.checks,
    admitter: createInlineAdmitter('cbp', store),
    signer: memorySigner(),
    log: silentLog,
    reply: async () => {},
    wake: () => {},
    failed,
    ...options,
  });
}

/** Looks for status lists over HTTPS, at a site on loopback whatever the address is called. */
export function lookAtSite(
  { desk, trust }: Ingest,
  {
    certificate,
    clock,
    log = silentLog,
  }: { readonly certificate: SiteCertificate; readonly clock: Clock; readonly log?: Log },
): StatusRefresh {
  const settings = {
    clock: systemClock,
    allowPrivate: ['127.0.0.1'],
    authorities: certificate.cert,
    lookup: async () => ['127.0.0.1'],
  };
  return startStatusRefresh({
    ...{ trust, desk, clock, log, random: systemRandom, failed },
    fetch: (from, signal) => fetchDocument(from, { ...settings, signal }),
    resolver: (signal) => createResolver({ ...settings, signal }),
  });
}
