/** A real browser (Debian's chromium), driven by playwright-core. */
import { type Browser, chromium } from 'playwright-core';

/** Starts the browser; a suite that does is written `describe.skipIf(!hasPeer('chromium'))`. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-dev-shm-usage',
      '--no-first-run',
    ],
  });
}
