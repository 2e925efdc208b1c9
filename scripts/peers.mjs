/**
 * The real peers of test/peers: Debian packages that this project did not write. They are
 * installed where that is possible; where it is not, each is named with the reason, and its suites
 * are skipped (with `CI=true` they fail instead, see test/support/peers.ts).
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { progress } from './ensure.mjs';

/** Each peer with its packages and how to see that it is there. */
export const peers = {
  mosquitto: {
    packages: ['mosquitto'],
    present: () => existsSync('/usr/sbin/mosquitto') || onPath('mosquitto'),
  },
  pymodbus: {
    // Its server needs what Debian's package only recommends.
    packages: ['python3-pymodbus', 'python3-serial', 'python3-serial-asyncio'],
    present: () => runs('/usr/bin/python3', ['-c', 'import pymodbus.server']),
  },
  libmodbus: {
    packages: ['libmodbus-dev', 'gcc', 'libc6-dev'],
    present: () => existsSync('/usr/include/modbus/modbus.h') && runs('gcc', ['--version']),
  },
  prometheus: {
    packages: ['python3-prometheus-client'],
    present: () => runs('/usr/bin/python3', ['-c', 'import prometheus_client.parser']),
  },
  systemd: {
    packages: ['systemd'],
    present: () => onPath('systemd-notify'),
  },
  chrony: {
    packages: ['chrony'],
    present: () => existsSync('/usr/sbin/chronyd') && onPath('chronyc'),
  },
  softhsm: {
    packages: ['softhsm2', 'opensc'],
    present: () => existsSync('/usr/lib/softhsm/libsofthsm2.so') && onPath('pkcs11-tool'),
  },
  tpm: {
    packages: [
      ...['swtpm', 'swtpm-tools', 'tpm2-tools', 'tpm2-abrmd', 'libtss2-tcti-tabrmd0', 'dbus'],
      ...['libtpm2-pkcs11-1', 'libtpm2-pkcs11-tools'],
    ],
    present: () =>
      existsSync('/usr/sbin/tpm2-abrmd') &&
      onPath('swtpm_setup') &&
      onPath('tpm2_ptool') &&
      onPath('tpm2') &&
      onPath('dbus-daemon') &&
      existsSync('/usr/lib/x86_64-linux-gnu/libtss2-tcti-tabrmd.so.0') &&
      existsSync('/usr/lib/x86_64-linux-gnu/pkcs11/libtpm2_pkcs11.so'),
  },
  // What the disk faults of test/faults are made with.
  disk: {
    packages: ['gcc', 'libc6-dev', 'e2fsprogs', 'util-linux', 'mount'],
    present: () =>
      runs('gcc', ['--version']) &&
      onPath('prlimit') &&
      existsSync('/sbin/mkfs.ext4') &&
      onPath('mount'),
  },
  socat: {
    packages: ['socat'],
    present: () => onPath('socat'),
  },
  mbpoll: {
    packages: ['mbpoll'],
    present: () => onPath('mbpoll'),
  },
  tshark: {
    packages: ['tshark'],
    present: () => onPath('tshark'),
  },
  chromium: {
    packages: ['chromium'],
    present: () => existsSync('/usr/bin/chromium'),
  },
};

/** Installs the peers that are missing, where the system allows it; never fails. */
export function installPeers() {
  const missing = missingPeers();
  if (missing.length === 0) return;
  const obstacle = whyNot();
  if (obstacle === undefined) {
    const packages = missing.flatMap((name) => peers[name].packages);
    progress(`installing ${packages.join(', ')}`);
    if (!aptGet('install', ...packages)) {
      aptGet('update');
      aptGet('install', ...packages);
    }
  }
  for (const name of missingPeers()) {
    const why = obstacle ?? 'apt-get could not install it';
    progress(`without ${name}: ${why} (packages ${peers[name].packages.join(', ')})`);
  }
}

/** Names of the peers that are not on this machine. */
export function missingPeers() {
  return Object.keys(peers).filter((name) => !peers[name].present());
}

function whyNot() {
  if (!runs('apt-get', ['--version'])) return 'this system has no apt-get';
  if (process.getuid?.() !== 0) return 'installing it needs root';
  return undefined;
}

function aptGet(verb, ...packages) {
  const flags = ['-qq', '-y', '--no-install-recommends', '-o', 'Dpkg::Use-Pty=0'];
  // At run level 1 the packages' scripts start no service: the tests start what they need.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const stdio = ['ignore', 'ignore', 2];
  return spawnSync('apt-get', [verb, ...flags, ...packages], { env, stdio }).status === 0;
}

function runs(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function onPath(command) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.some((folder) => existsSync(join(folder, command)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) installPeers();
