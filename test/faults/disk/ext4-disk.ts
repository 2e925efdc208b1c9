/**
 * A small disk of its own: ext4 in a file on a loop mount, whose power can be cut while programs
 * write to it. Needs root and loop devices.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { compileC, compilerObstacle } from './compile.ts';

/** Room for the databases of a few restarts; a small image is made and mounted in milliseconds. */
const IMAGE_MIB = 96;

export interface Ext4Disk {
  /** Where it is mounted. */
  readonly path: string;
  /** Takes its power: what was not synced is gone. Programs that go on writing get EIO. */
  cut(): void;
  /** An error makes it read-only, as `errors=remount-ro` does; `remount` ends that. */
  turnReadOnly(): void;
  /** Mounts it again, which replays the file system's own journal; nobody may have a file open. */
  remount(): void;
  /** Unmounts it for good and frees its loop device. Idempotent. */
  close(): void;
}

/**
 * Makes a disk and mounts it at `path`.
 *
 * @param folder Outside of `path`; holds the image.
 */
export function openExt4Disk(path: string, folder: string, imageMiB = IMAGE_MIB): Ext4Disk {
  mkdirSync(path, { recursive: true });
  mkdirSync(folder, { recursive: true });
  const image = join(folder, 'disk.img');
  const program = compileC('cut', folder);
  writeFileSync(image, '');
  truncateSync(image, imageMiB * 1024 * 1024);
  must('mkfs.ext4', ['-q', '-F', image]);
  const mount = () => must('mount', ['-o', 'loop,errors=remount-ro', image, path]);
  mount();
  let isMounted = true;
  const close = () => {
    if (!isMounted) return;
    // Lazily where somebody is still in it: the loop device is freed with the last one.
    if (!runs('umount', [path])) must('umount', ['-l', path]);
    isMounted = false;
  };
  // A shard that throws elsewhere must not leave the mount behind.
  process.once('exit', close);
  return {
    path,
    cut: () => must(program, [path]),
    turnReadOnly() {
      const device = basename(outputOf('findmnt', ['-n', '-o', 'SOURCE', path]).trim());
      writeFileSync(`/sys/fs/ext4/${device}/trigger_fs_error`, 'a fault of the suite');
    },
    remount() {
      must('umount', [path]);
      isMounted = false;
      // Replays the journal as the mount would, and takes back that there was an error.
      runs('e2fsck', ['-p', image]);
      mount();
      isMounted = true;
    },
    close() {
      process.off('exit', close);
      close();
    },
  };
}

/** Why no disk can be cut here; `undefined` where it was tried and works. */
export function ext4Obstacle(): string | undefined {
  const missing = compilerObstacle();
  if (missing !== undefined) return missing;
  const folder = mkdtempSync(join(tmpdir(), 'bondline-loop-'));
  try {
    const disk = openExt4Disk(join(folder, 'mount'), folder);
    try {
      disk.cut();
      disk.remount();
      return undefined;
    } finally {
      disk.close();
    }
  } catch (error) {
    return `no ext4 on a loop mount here: ${(error as Error).message.split('\n')[0]}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function must(command: string, args: readonly string[]): void {
  outputOf(command, args);
}

function outputOf(command: string, args: readonly string[]): string {
  const { error, status, stderr, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
}

function runs(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
