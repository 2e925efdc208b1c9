/**
 * A real browser (Debian's chromium), driven by playwright-core. A suite that needs it is written
 * `describe.skipIf(!hasBrowser())`; under `CI=true` a missing browser throws instead.
 */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const executablePath = '/usr/bin/chromium';

/** @throws Error under `CI=true` when there is none. */
export function hasBrowser(): boolean {
  if (existsSync(executablePath)) return true;
  if (process.env['CI'] === 'true') {
    throw new Error(`CI=true, but ${executablePath} is missing (package chromium)`);
  }
  return false;
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-dev-shm-usage',
      '--no-first-run',
    ],
  });
}
