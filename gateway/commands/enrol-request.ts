/** `bondline-gateway enrol-request`: one signed request a device, for the organisation's wallet. */
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { composeEnrolRequest } from '../../devices/credential/enrol-request.ts';
import { EdgeError } from '../../devices/errors.ts';
import { makeDirectory } from '../../devices/io/directory.ts';
import { openFileKeyStore } from '../../devices/io/key-store-file.ts';
import { writeFileDurably } from '../../devices/io/write-file.ts';
import { profileDigest } from '../../devices/profile.ts';
import type { DeviceConfig } from '../config.ts';
import { GATEWAY_LABEL, profileOf } from '../config-check.ts';
import { registries } from '../gateway.ts';
import { planReports, signedCadenceMs } from '../report.ts';
import { type CommandContext, EXIT, loadConfig, parseArguments } from './command.ts';

const OPTIONS = { out: { type: 'string' }, json: { type: 'boolean' } } as const;

export async function runEnrolRequest(
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG']);
  if (values.out === undefined) throw new EdgeError('CFG_USAGE', '--out DIR is missing');
  const { config, resolvePath } = loadConfig(positionals[0] ?? '', context);
  const { passphraseFile, path } = config.keys;
  const store = await openFileKeyStore(resolvePath(path), resolvePath(passphraseFile));
  const requests: { device: string; did: string; file: string }[] = [];
  try {
    const gateway = await store.signer(GATEWAY_LABEL);
    for (const config_ of config.devices) {
      const device = await store.signer(config_.name);
      const asked = askFor(config_, context.clock.nowMs());
      const token = await composeEnrolRequest(asked, { device, gateway });
      const file = join(values.out, `${config_.name}.jwt`);
      write(values.out, file, token);
      requests.push({ device: config_.name, did: device.did, file });
    }
  } finally {
    await store.close();
  }
  if (values.json) context.out(`${JSON.stringify({ requests })}\n`);
  else for (const { device, file } of requests) context.out(`${device}: ${file}\n`);
  return EXIT.well;
}

function askFor(config: DeviceConfig, requestedMs: number) {
  const profile = profileOf(config, registries.profiles);
  assert(profile, `configuration was not checked: no profile for ${config.name}`);
  const everyMs = config.everyMs ?? 1_000;
  return {
    label: config.name,
    profile: { name: profile.name, digest: profileDigest(profile) },
    // What is promised is what is signed, which report by exception makes rarer.
    cadenceMs: signedCadenceMs(profile, planReports(profile, config.report), everyMs),
    heartbeatMs: config.heartbeatMs ?? 60_000,
    keyLocation: 'gateway-file',
    requestedMs,
  } as const;
}

function write(directory: string, file: string, token: Uint8Array): void {
  try {
    makeDirectory(directory);
    writeFileDurably(file, token);
  } catch (cause) {
    throw new EdgeError('CFG_DIRECTORY_UNWRITABLE', `writing ${file}`, { cause });
  }
}
