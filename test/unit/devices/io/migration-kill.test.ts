/** A program that is killed while it brings a database up to date, at any moment of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openDatabase } from '../../../../devices/io/sqlite.ts';

const KILLS = 10;
const ROWS = 20_000;
const one = ['CREATE TABLE t (a INTEGER, b TEXT)'];
const two = [...one, "UPDATE t SET b = b || 'y'", 'CREATE INDEX t_b ON t (b)'];

/** What the old version left, with rows that take a while to change. */
function makeOld(file: string): void {
  const db = openDatabase(file, { schema: one });
  const numbers = JSON.stringify(Array.from({ length: ROWS }, (_, at) => at));
  db.prepare("INSERT INTO t SELECT value, printf('%0100d', value) FROM json_each(?)").run(numbers);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
}

function look(file: string, schema: readonly string[]): { version: number; rows: number } {
  const db = openDatabase(file, { readonly: true, schema });
  try {
    const rows = db.prepare('SELECT count(*) FROM t').pluck().get();
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    return { version: Number(db.pragma('user_version', { simple: true })), rows: Number(rows) };
  } finally {
    db.close();
  }
}

it('leaves the old version or the new one whole, and a whole copy before it changes anything', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'migration-kill-'));
  const module = new URL('../../../../devices/io/sqlite.ts', import.meta.url).href;
  makeOld(join(directory, 'old.db'));
  for (let kill = 0; kill < KILLS; kill += 1) {
    const file = join(directory, `${kill}.db`);
    copyFileSync(join(directory, 'old.db'), file);
    const script = `const { openDatabase } = await import(${JSON.stringify(module)});
      process.stdout.write('begins');
      openDatabase(${JSON.stringify(file)}, { schema: ${JSON.stringify(two)} }).close();`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    const ended = once(child, 'exit');
    await Promise.race([once(child.stdout, 'data'), ended]);
    // Spread over what it takes, from the copy to the commit.
    await new Promise((done) => setTimeout(done, kill * 12));
    child.kill('SIGKILL');
    await ended;
    const copy = `${file}.v1.bak`;
    const { rows, version } = look(file, two);
    expect([rows, [1, 3].includes(version)]).toEqual([ROWS, true]);
    if (version === 3) expect(existsSync(copy)).toBe(true);
    if (existsSync(copy)) expect(look(copy, one)).toEqual({ version: 1, rows: ROWS });
    // The next start goes on, also over what is left of a copy.
    openDatabase(file, { schema: two }).close();
    expect(look(file, two)).toEqual({ version: 3, rows: ROWS });
    expect(look(copy, one)).toEqual({ version: 1, rows: ROWS });
    expect(existsSync(`${copy}.part`)).toBe(false);
  }
  rmSync(directory, { recursive: true, force: true });
}, 60_000);
