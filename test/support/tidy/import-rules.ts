/**
 * Who may import whom, judged on resolved paths: a linter sees only the text of a specifier.
 * The table is that of docs/architecture.md.
 */
import { basename, dirname } from 'node:path/posix';
import {
  type Import,
  importsOf,
  isCode,
  isSource,
  sideOf,
  type TidyFile,
  type Violation,
} from './tree.ts';

/** What a pure file of devices/ may take from Node. */
const PURE_BUILTINS = ['node:crypto', 'node:assert', 'node:buffer'];

/** Contracts, each with the folder of its implementations. */
const CONTRACTS: Readonly<Record<string, string>> = {
  'gateway/driver.ts': 'gateway/drivers/',
  'gateway/sink.ts': 'gateway/sinks/',
  'ingest/source.ts': 'ingest/sources/',
  'ingest/kind.ts': 'ingest/kinds/',
  'ingest/rule.ts': 'ingest/rules/',
  'devices/profile.ts': 'devices/profiles/',
  'simulators/station.ts': 'simulators/stations/',
};

/**
 * Composition roots besides every `cli.ts`: only they and the tests read a registry. The fold has
 * a root of its own, since three processes compose it.
 */
const ROOTS = ['gateway/gateway.ts', 'ingest/ingest.ts', 'ingest/apply-plugins.ts'];

/** Every import between folders that the table does not allow, and every one that leads nowhere. */
export function checkImports(files: readonly TidyFile[]): Violation[] {
  const paths = new Set(files.map((file) => file.path));
  return files
    .filter((file) => isCode(file.path))
    .flatMap((file) =>
      importsOf(file).flatMap((item) => {
        if (item.path !== undefined && !paths.has(item.path) && !isAsset(item.path)) {
          return [{ path: file.path, message: `${item.specifier} leads nowhere` }];
        }
        const why = isSource(file.path) ? objection(file.path, item) : undefined;
        return why ? [{ path: file.path, message: `${item.specifier}: ${why}` }] : [];
      }),
    );
}

/** Why a source file may not have this import, if it may not. */
function objection(from: string, item: Import): string | undefined {
  const room = roomOf(from);
  if (item.builtin !== undefined) {
    if (room === 'devices' && !PURE_BUILTINS.includes(item.builtin)) {
      return 'devices/ is pure outside of io/ and wallet/';
    }
    return room === 'console' ? 'the console runs in a browser' : undefined;
  }
  if (item.path === undefined) return undefined;
  if (basename(item.path) === 'registry.ts' && !readsRegistries(from)) {
    return 'only composition roots and tests read a registry';
  }
  const to = roomOf(item.path);
  return ALLOWED[room]?.includes(to) ? undefined : `${room} never imports ${to}`;
}

/** The rooms of the house, and into which of them each may reach. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  devices: ['devices', 'credential'],
  credential: ['devices', 'credential'],
  io: ['devices', 'credential', 'io'],
  wallet: ['devices', 'credential', 'io', 'wallet'],
  gateway: ['devices', 'credential', 'io', 'gateway'],
  ingest: ['devices', 'credential', 'io', 'ingest'],
  // The console speaks only HTTP; one file compiles the verification for the browser.
  console: ['console', 'verifier'],
  verifier: ['devices', 'credential', 'console'],
  // A decoder that checks itself proves nothing.
  simulators: ['devices', 'io', 'simulators'],
};

function roomOf(path: string): string {
  for (const room of ['credential', 'io', 'wallet']) {
    if (path.startsWith(`devices/${room}/`)) return room;
  }
  if (path === 'ingest/console/verify/verifier.ts') return 'verifier';
  return path.startsWith('ingest/console/') ? 'console' : sideOf(path);
}

function readsRegistries(path: string): boolean {
  return ROOTS.includes(path) || basename(path) === 'cli.ts';
}

/** A contract never reaches one of its implementations, not even through another file. */
export function checkContracts(files: readonly TidyFile[]): Violation[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return Object.entries(CONTRACTS).flatMap(([contract, folder]) => {
    const reached = new Set<string>();
    const visit = (path: string): void => {
      const file = byPath.get(path);
      if (!file || reached.has(path)) return;
      reached.add(path);
      for (const item of importsOf(file)) if (item.path) visit(item.path);
    };
    visit(contract);
    return [...reached]
      .filter((path) => path.startsWith(folder))
      .map((path) => ({ path: contract, message: `a contract never reaches ${path}` }));
  });
}

/** A folder of plug-ins and how a file of it declares one. */
export interface Family {
  readonly folder: string;
  readonly declares: RegExp;
}

export const families: readonly Family[] = [
  { folder: 'gateway/drivers', declares: declaring('Driver') },
  { folder: 'gateway/sinks', declares: declaring('Sink') },
  { folder: 'ingest/sources', declares: declaring('Source') },
  { folder: 'ingest/kinds', declares: declaring('Kind') },
  { folder: 'ingest/rules', declares: declaring('Rule') },
  { folder: 'devices/profiles', declares: /\bdefineProfile\(/ },
  { folder: 'simulators/stations', declares: declaring('RunningStation|StartStation') },
];

/** An exported value of the contract's type, or an exported function that makes one. */
function declaring(type: string): RegExp {
  return new RegExp(`export (const \\w+|(async )?function \\w+\\([^)]*\\)): (Promise<)?${type}\\b`);
}

/** Every plug-in stands in its registry, and none imports a sibling that does. */
export function checkRegistries(files: readonly TidyFile[]): Violation[] {
  return families.flatMap(({ folder, declares }) => {
    const inside = files.filter((file) => dirname(file.path) === folder && isCode(file.path));
    const registry = inside.find((file) => basename(file.path) === 'registry.ts');
    const plugins = inside.filter((file) => file !== registry && declares.test(file.text));
    if (plugins.length === 0 && !registry) return [];
    if (!registry) return [{ path: folder, message: 'has plug-ins but no registry.ts' }];
    const listed = new Set(importsOf(registry).map((item) => item.path));
    const unlisted = plugins
      .filter((file) => !listed.has(file.path))
      .map((file) => ({ path: file.path, message: `is not listed in ${registry.path}` }));
    const siblings = plugins.flatMap((file) =>
      importsOf(file)
        .filter((item) => plugins.some((other) => other.path === item.path))
        .map((item) => ({ path: file.path, message: `imports its sibling ${item.specifier}` })),
    );
    return [...unlisted, ...siblings];
  });
}

/**
 * Each third-party package has one owner a side. `shared` names the exceptions, each with its
 * reason; an exception that is not needed is a violation too.
 */
export function checkOwners(
  files: readonly TidyFile[],
  shared: Readonly<Record<string, { readonly files: readonly string[]; readonly why: string }>>,
): Violation[] {
  const owners = new Map<string, Set<string>>();
  for (const file of files.filter(({ path }) => isSource(path))) {
    const side = roomOf(file.path) === 'console' ? 'console' : sideOf(file.path);
    for (const item of importsOf(file)) {
      if (item.package === undefined) continue;
      const key = `${side}: ${item.package}`;
      owners.set(key, (owners.get(key) ?? new Set()).add(file.path));
    }
  }
  const found: Violation[] = [];
  for (const [key, paths] of owners) {
    const allowed = shared[key]?.files ?? [];
    if (paths.size < 2 || [...paths].every((path) => allowed.includes(path))) continue;
    // The console is built from a view library in every file; that is what it is for.
    if (key.startsWith('console: ')) continue;
    found.push({ path: [...paths].sort().join(', '), message: `share the package ${key}` });
  }
  for (const [key, { files: named }] of Object.entries(shared)) {
    const real = owners.get(key) ?? new Set();
    for (const path of named) {
      if (!real.has(path)) found.push({ path, message: `no longer imports ${key}: drop it here` });
    }
  }
  return found;
}

/** What source imports stands in package.json as a dependency, and each dependency is imported. */
export function checkDependencies(files: readonly TidyFile[]): Violation[] {
  const manifest = files.find(({ path }) => path === 'package.json');
  const read = JSON.parse(manifest?.text ?? '{}') as Record<string, Record<string, string>>;
  const declared = { ...read['dependencies'], ...read['optionalDependencies'] };
  const used = new Set<string>();
  const found: Violation[] = [];
  for (const file of files.filter(({ path }) => isSource(path))) {
    for (const item of importsOf(file)) {
      if (item.package === undefined) continue;
      used.add(item.package);
      const built = roomOf(file.path) === 'console';
      const known = built ? { ...declared, ...read['devDependencies'] } : declared;
      if (item.package in known || item.typeOnly) continue;
      found.push({ path: file.path, message: `${item.package} is not a dependency` });
    }
  }
  for (const name of Object.keys(declared)) {
    if (!used.has(name)) found.push({ path: 'package.json', message: `${name} is not imported` });
  }
  return found;
}

/** Source that nothing reaches: no command, worker, registry or console page leads to it. */
export function checkReached(files: readonly TidyFile[]): Violation[] {
  const imported = new Set(
    files
      .filter(({ path }) => isSource(path))
      .flatMap((file) => importsOf(file).map((item) => item.path)),
  );
  return files
    .filter(({ path }) => isSource(path) && !path.startsWith('ingest/console/'))
    .filter(({ path }) => basename(path) !== 'cli.ts' && !imported.has(path))
    .map(({ path }) => ({ path, message: 'is imported by no other source file' }));
}

function isAsset(path: string): boolean {
  return !isCode(path);
}
