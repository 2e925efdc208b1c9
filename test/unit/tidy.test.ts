/** A planted violation of each tidy and lint rule, and beside it the form that is right. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import {
  checkChance,
  checkCommands,
  checkExamples,
  checkReadmes,
  checkSizes,
  checkUnfinished,
} from '../support/tidy/file-rules.ts';
import {
  checkContracts,
  checkDependencies,
  checkImports,
  checkOwners,
  checkReached,
  checkRegistries,
} from '../support/tidy/import-rules.ts';
import {
  checkErrorCodes,
  checkGlossary,
  checkLinks,
  readGlossary,
} from '../support/tidy/text-rules.ts';
import { importsOf, readTree, type TidyFile, type Violation } from '../support/tidy/tree.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bondline-tidy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A tree in memory: path to text. */
function tree(texts: Readonly<Record<string, string>>): TidyFile[] {
  return Object.entries(texts).map(([path, text]) => ({ path, text }));
}

function lines(violations: readonly Violation[]): string[] {
  return violations.map(({ path, message }) => `${path}: ${message}`);
}

describe('reading a tree', () => {
  it('finds files below the project and leaves out what was built or installed', () => {
    for (const path of ['gateway/a.ts', 'dist/gateway/a.js', 'gateway/node_modules/x/y.ts']) {
      mkdirSync(dirname(join(folder, 'read', path)), { recursive: true });
      writeFileSync(join(folder, 'read', path), 'export const a = 1;\n');
    }
    expect(readTree(join(folder, 'read')).map(({ path }) => path)).toEqual(['gateway/a.ts']);
  });

  it('sees every way to import, and none in a comment or in the text of a program', () => {
    const text = [
      "import { a } from './a.ts';",
      "import type { B } from '../devices/b.ts';",
      'import {\n  c,\n  d,\n} from "mqtt";',
      "import Database from 'better-sqlite3';",
      "export { e } from './e.ts';",
      "const f = await import('@scope/name/deep');",
      "new Worker(workerUrl('./f-worker', import.meta.url));",
      "// import { no } from './no.ts';",
      "const program = `await import('./in-a-program.ts')`;",
      "import { g } from 'fs';",
    ].join('\n');
    const found = importsOf({ path: 'gateway/x.ts', text });
    expect(found.map((item) => item.path ?? item.package ?? item.builtin)).toEqual([
      'gateway/a.ts',
      'devices/b.ts',
      'mqtt',
      'better-sqlite3',
      'gateway/e.ts',
      'node:fs',
      '@scope/name',
      'gateway/f-worker.ts',
    ]);
    expect(found.filter((item) => item.typeOnly)).toHaveLength(1);
  });
});

describe('import rules', () => {
  const target = 'export const x = 1;';
  const others = {
    'devices/reading.ts': target,
    'devices/io/sqlite.ts': target,
    'devices/credential/jws.ts': target,
    'devices/wallet/wallet.ts': target,
    'gateway/poll.ts': target,
    'gateway/drivers/registry.ts': target,
    'ingest/twin.ts': target,
    'simulators/ledger.ts': target,
    'test/support/x.ts': target,
  };
  const importing = (from: string, specifier: string) =>
    lines(checkImports(tree({ ...others, [from]: `import { x } from '${specifier}';` })));

  it.each([
    ['devices/a.ts', '../gateway/poll.ts'],
    ['devices/a.ts', './io/sqlite.ts'],
    ['devices/a.ts', './wallet/wallet.ts'],
    ['devices/a.ts', 'node:fs'],
    ['devices/a.ts', 'fs'],
    ['devices/io/a.ts', '../wallet/wallet.ts'],
    ['gateway/a.ts', '../ingest/twin.ts'],
    ['gateway/a.ts', '../devices/wallet/wallet.ts'],
    ['gateway/a.ts', './drivers/registry.ts'],
    ['gateway/a.ts', '../test/support/x.ts'],
    ['ingest/a.ts', '../gateway/poll.ts'],
    ['ingest/console/a.ts', '../twin.ts'],
    ['ingest/console/a.ts', 'node:fs'],
    ['simulators/a.ts', '../gateway/poll.ts'],
    ['simulators/a.ts', '../devices/credential/jws.ts'],
    ['gateway/a.ts', './nowhere.ts'],
  ])('%s may not import %s', (from, specifier) => {
    expect(importing(from, specifier)).toHaveLength(1);
  });

  it.each([
    ['devices/a.ts', './credential/jws.ts'],
    ['devices/a.ts', 'node:crypto'],
    ['devices/io/a.ts', 'node:fs'],
    ['devices/wallet/a.ts', '../io/sqlite.ts'],
    ['gateway/a.ts', '../devices/credential/jws.ts'],
    ['gateway/gateway.ts', './drivers/registry.ts'],
    ['gateway/cli.ts', './drivers/registry.ts'],
    ['ingest/a.ts', '../devices/io/sqlite.ts'],
    ['simulators/a.ts', '../devices/reading.ts'],
    ['test/a.test.ts', '../gateway/drivers/registry.ts'],
  ])('%s may import %s', (from, specifier) => {
    expect(importing(from, specifier)).toEqual([]);
  });

  it('finds a contract that reaches an implementation through another file', () => {
    const files = tree({
      'gateway/driver.ts': "import { plan } from './plan.ts';",
      'gateway/plan.ts': "import { modbus } from './drivers/modbus.ts';",
      'gateway/drivers/modbus.ts': target,
    });
    expect(lines(checkContracts(files))).toEqual([
      'gateway/driver.ts: a contract never reaches gateway/drivers/modbus.ts',
    ]);
    expect(checkContracts(files.slice(0, 1))).toEqual([]);
  });

  it('finds a plug-in that its registry lacks, and one that imports a sibling', () => {
    const modbus = 'export const modbus: Driver<Settings> = {};';
    const opcua = "import { modbus } from './modbus.ts';\nexport const opcua: Driver = {};";
    const planless = { 'gateway/drivers/modbus-plan.ts': target };
    const registry = "import { opcua } from './opcua.ts';";
    const files = tree({
      'gateway/drivers/modbus.ts': modbus,
      'gateway/drivers/opcua.ts': opcua,
      'gateway/drivers/registry.ts': registry,
      ...planless,
    });
    expect(lines(checkRegistries(files))).toEqual([
      'gateway/drivers/modbus.ts: is not listed in gateway/drivers/registry.ts',
      'gateway/drivers/opcua.ts: imports its sibling ./modbus.ts',
    ]);
    const listed = `${registry}\nimport { modbus } from './modbus.ts';`;
    const right = tree({
      'gateway/drivers/modbus.ts': modbus,
      'gateway/drivers/opcua.ts': 'export const opcua: Driver = {};',
      'gateway/drivers/registry.ts': listed,
      ...planless,
    });
    expect(checkRegistries(right)).toEqual([]);
    expect(checkRegistries(right.slice(0, 1))).toHaveLength(1);
  });

  it('finds a package with two owners on one side, and an exception that is not needed', () => {
    const mqtt = "import { connect } from 'mqtt';";
    const two = tree({ 'gateway/a.ts': mqtt, 'gateway/b.ts': mqtt, 'ingest/a.ts': mqtt });
    expect(checkOwners(two, {})).toHaveLength(1);
    const excused = { 'gateway: mqtt': { files: ['gateway/a.ts', 'gateway/b.ts'], why: 'reason' } };
    expect(checkOwners(two, excused)).toEqual([]);
    expect(checkOwners(two.slice(1), excused)).toHaveLength(1);
  });

  it('finds an import that is no dependency, and a dependency that is not imported', () => {
    const manifest = JSON.stringify({ dependencies: { ajv: '8' }, devDependencies: { vite: '8' } });
    const check = (text: string) =>
      lines(checkDependencies(tree({ 'package.json': manifest, 'gateway/a.ts': text })));
    expect(check("import 'vite';")).toEqual([
      'gateway/a.ts: vite is not a dependency',
      'package.json: ajv is not imported',
    ]);
    expect(check("import { Ajv } from 'ajv';")).toEqual([]);
  });

  it('finds source that nothing reaches', () => {
    const files = tree({
      'gateway/cli.ts': "import { x } from './a.ts';",
      'gateway/a.ts': "workerUrl('./b-worker', import.meta.url)",
      'gateway/b-worker.ts': target,
      'gateway/dead.ts': target,
      'test/a.test.ts': "import { x } from '../gateway/dead.ts';",
    });
    expect(lines(checkReached(files))).toEqual([
      'gateway/dead.ts: is imported by no other source file',
    ]);
  });
});

describe('file rules', () => {
  it('find a long file, a wide line and a name that says nothing', () => {
    const check = (path: string, text: string) => lines(checkSizes(tree({ [path]: text })));
    expect(check('gateway/a.ts', 'a;\n'.repeat(400))).toEqual([]);
    expect(check('gateway/a.ts', 'a;\n'.repeat(401))).toHaveLength(1);
    expect(check('gateway/a.ts', `// ${'word '.repeat(25)}\n`)).toHaveLength(1);
    expect(check('gateway/a.ts', `const url = 'https://example.org/${'a'.repeat(99)}';`)).toEqual(
      [],
    );
    expect(check('gateway/utils.ts', '')).toHaveLength(1);
  });

  it('find work left for later', () => {
    const word = 'TO' + 'DO';
    expect(checkUnfinished(tree({ 'gateway/a.ts': `a;\n// ${word}: later` }))).toHaveLength(1);
    expect(checkUnfinished(tree({ 'gateway/a.ts': 'const todos = 1;' }))).toEqual([]);
  });

  it('find chance that is not passed in, but not the word in a comment', () => {
    const use = 'const x = Math.random();';
    expect(checkChance(tree({ 'gateway/a.ts': use }))).toHaveLength(1);
    expect(checkChance(tree({ 'gateway/a.ts': '// Math.random is not for us' }))).toEqual([]);
    expect(checkChance(tree({ 'devices/runtime.ts': use }))).toEqual([]);
  });

  it('find a folder without a README, and a README that says nothing', () => {
    const words = `# Drivers\n\n${'Says what it is for and how to add one more. '.repeat(3)}`;
    const files = { 'gateway/drivers/a.ts': '', 'gateway/README.md': words };
    expect(lines(checkReadmes(tree(files)))).toEqual(['gateway/drivers: has no README.md']);
    expect(checkReadmes(tree({ ...files, 'gateway/drivers/README.md': words }))).toEqual([]);
    expect(checkReadmes(tree({ ...files, 'gateway/drivers/README.md': '# Drivers' }))).toHaveLength(
      1,
    );
    const mirrored = { 'test/README.md': words, 'test/unit/README.md': words };
    expect(checkReadmes(tree({ ...mirrored, 'test/unit/gateway/a.test.ts': '' }))).toEqual([]);
  });

  it('find a command that cannot be started by name, or by the wrong Node', () => {
    const manifest = JSON.stringify({ bin: { 'bondline-x': 'dist/x/cli.js' } });
    const check = (text: string) =>
      lines(checkCommands(tree({ 'package.json': manifest, 'x/cli.ts': text })));
    const first = "import '../devices/io/needs-node.ts';\n";
    const other = "import { createInterface } from 'node:readline';\n";
    expect(check(`#!/usr/bin/env node\n/** A command. */\n${first}${other}`)).toEqual([]);
    expect(check(first)).toHaveLength(1);
    expect(check(`#!/usr/bin/env node\n${other}${first}`)).toHaveLength(1);
    expect(checkCommands(tree({ 'package.json': manifest }))).toHaveLength(1);
  });

  it('find an example that does not lead an editor to its schema', () => {
    const schema = { 'docs/schemas/gateway.schema.json': '{}' };
    const line = (to: string) => `# yaml-language-server: $schema=${to}\ngateway: {}\n`;
    const check = (text: string) =>
      lines(checkExamples(tree({ ...schema, 'examples/border/gateway.yaml': text })));
    expect(check('gateway: {}\n')).toHaveLength(1);
    expect(check(line('../../docs/schemas/other.schema.json'))).toHaveLength(1);
    expect(check(line('../../docs/schemas/gateway.schema.json'))).toEqual([]);
  });
});

describe('text rules', () => {
  it('find codes that are unused, not catalogued or not documented', () => {
    const page = 'docs/reference/error-codes.md';
    const codes = ['GW_KNOWN', 'GW_UNUSED'];
    const files = tree({
      'gateway/a.ts': "fail('GW_KNOWN'); fail('GW_STRANGE'); header('SOME_OTHER');",
      [page]: '## `GW_KNOWN`',
    });
    expect(lines(checkErrorCodes(files, codes, page))).toEqual([
      'devices/errors: nothing uses GW_UNUSED',
      'gateway/a.ts: GW_STRANGE is not in the catalogue',
      `${page}: lacks GW_UNUSED`,
    ]);
  });

  it('find links and paths that lead nowhere', () => {
    const text =
      '[a](architecture.md#x) [b](gone.md) `gateway/poll.ts` `gateway/gone.ts` [c](https://x)';
    const files = tree({
      'docs/README.md': text,
      'docs/architecture.md': '',
      'gateway/poll.ts': '',
    });
    expect(lines(checkLinks(files))).toEqual([
      'docs/README.md: gone.md leads nowhere',
      'docs/README.md: gateway/gone.ts leads nowhere',
    ]);
  });

  it('find an exported name that says it in other words', () => {
    const glossary = readGlossary('| **point** | One thing. | tag, dataPoint |\n');
    expect(glossary).toEqual([{ word: 'point', not: ['tag', 'dataPoint'] }]);
    const check = (text: string) => lines(checkGlossary(tree({ 'gateway/a.ts': text }), glossary));
    expect(check('export function readDataPoint() {}')).toHaveLength(1);
    expect(check('export const tagName = 1;')).toHaveLength(1);
    expect(check('export const pointName = 1; const tag = 2;')).toEqual([]);
  });
});

describe('lint rules', () => {
  /** What Biome says about one planted file in a tree with the project's settings. */
  function lint(path: string, text: string, others: Record<string, string> = {}): string {
    const root = mkdtempSync(join(folder, 'lint-'));
    for (const name of ['biome.json', 'package.json', 'tsconfig.json']) {
      cpSync(join(project, name), join(root, name));
    }
    writeFileSync(join(root, '.gitignore'), 'node_modules\n');
    symlinkSync(join(project, 'node_modules'), join(root, 'node_modules'));
    for (const [name, content] of Object.entries({ ...others, [path]: text })) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), content);
    }
    const biome = join(project, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
    const args = [biome, 'check', '--error-on-warnings', '--colors=off', '.'];
    const done = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    return done.status === 0 ? '' : `${done.stdout}${done.stderr}`;
  }

  it.each([
    ['noRestrictedGlobals', 'gateway/a.ts', 'export const a = () => Date.now();\n'],
    ['noRestrictedGlobals', 'ingest/a.ts', 'export const a = () => process.argv;\n'],
    ['noRestrictedGlobals', 'devices/a.ts', 'export const a = () => setTimeout(() => {}, 1);\n'],
    ['noRestrictedImports', 'gateway/a.ts', "export type { Twin } from '../ingest/twin.ts';\n"],
    ['noRestrictedImports', 'devices/a.ts', "import 'node:fs';\n"],
    ['noRestrictedImports', 'simulators/a.ts', "import '../devices/credential/jws.ts';\n"],
    ['noRestrictedImports', 'gateway/a.ts', "import './drivers/registry.ts';\n"],
    ['noReExportAll', 'gateway/a.ts', "export * from './b.ts';\n"],
    ['noDefaultExport', 'gateway/a.ts', 'export default 1;\n'],
    ['noExplicitAny', 'gateway/a.ts', 'export const a = (b: any) => b;\n'],
    ['noFloatingPromises', 'gateway/a.ts', 'const f = async () => 1;\nf();\n'],
    ['useFilenamingConvention', 'gateway/BadName.ts', 'export const a = 1;\n'],
    ['noExcessiveLinesPerFunction', 'gateway/a.ts', longFunction(71)],
    ['noExcessiveLinesPerFile', 'gateway/a.ts', longFile(401)],
    [
      'noSkippedTests',
      'test/a.test.ts',
      "import { it } from 'vitest';\n\nit.skip('x', () => {});\n",
    ],
  ])('%s is found in %s', (rule, path, text) => {
    expect(lint(path, text)).toContain(rule);
  });

  it('noImportCycles is found in two files that need each other', () => {
    const other = "import { a } from './a.ts';\n\nexport const b = () => a;\n";
    const one = "import { b } from './b.ts';\n\nexport const a = () => b;\n";
    expect(lint('gateway/a.ts', one, { 'gateway/b.ts': other })).toContain('noImportCycles');
  });

  it('a file that keeps all of them passes', () => {
    const text =
      "import { randomFillSync } from 'node:crypto';\n\nexport const fill = randomFillSync;\n";
    expect(lint('gateway/a.ts', text)).toBe('');
    expect(lint('gateway/a.ts', longFunction(60))).toBe('');
    expect(lint('gateway/a.ts', longFile(400))).toBe('');
    expect(lint('gateway/cli.ts', 'export const a = () => process.argv;\n')).toBe('');
  });
});

function longFile(lineCount: number): string {
  return Array.from({ length: lineCount }, (_, index) => `export const a${index} = 1;\n`).join('');
}

function longFunction(lineCount: number): string {
  const body = Array.from({ length: lineCount }, () => '  a += 1;\n').join('');
  return `export function f(): number {\n  let a = 0;\n${body}  return a;\n}\n`;
}
