/** Compiles the C programs beside this file, which node cannot replace: an ioctl and a preload. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Why nothing can be compiled here; `undefined` where it can. */
export function compilerObstacle(): string | undefined {
  const isThere = spawnSync('gcc', ['--version'], { stdio: 'ignore' }).status === 0;
  return isThere ? undefined : 'gcc is missing (Debian packages gcc, libc6-dev)';
}

/** Compiles `NAME.c` into the folder and returns the path of what came of it. */
export function compileC(name: 'cut' | 'shim', folder: string): string {
  const source = fileURLToPath(new URL(`./${name}.c`, import.meta.url));
  const target = join(folder, name === 'shim' ? 'shim.so' : name);
  const kind = name === 'shim' ? ['-shared', '-fPIC', '-pthread', '-ldl'] : [];
  const flags = ['-O2', '-Wall', '-Werror', '-o', target, source, ...kind];
  const { status, stderr } = spawnSync('gcc', flags, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`compiling ${name}.c: ${stderr}`);
  return target;
}
