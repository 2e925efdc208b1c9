/** What a broker wants to see of us, read from the files that a configuration names. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { EdgeError } from '../../../devices/errors.ts';
import type { CertificateState } from '../../driver.ts';
import type { MqttAccess } from './session.ts';
import type { MqttSettings } from './settings.ts';

type Files = Pick<
  MqttSettings,
  'caFile' | 'certFile' | 'keyFile' | 'passwordFile' | 'serverName' | 'url' | 'username'
>;

/**
 * Reads the files. Called at each dial, so that a renewed certificate or a changed password needs
 * no restart.
 *
 * @throws EdgeError GW_DRIVER_FILE_UNREADABLE
 */
export function readAccess(files: Files, resolvePath: (path: string) => string): MqttAccess {
  const { caFile, certFile, keyFile, passwordFile, serverName, username } = files;
  const read = (path: string) => readNamed(resolvePath(path));
  const password = passwordFile && read(passwordFile).toString('utf8').split(/\r?\n/, 1)[0];
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(caFile !== undefined && { ca: read(caFile) }),
    ...(certFile !== undefined && { cert: read(certFile) }),
    ...(keyFile !== undefined && { key: read(keyFile) }),
    ...(serverName !== undefined && { servername: serverName }),
  };
}

/** The certificates that the configuration names, as they are on disk now; broken ones left out. */
export function certificatesOf(
  { caFile, certFile, url }: Files,
  resolvePath: (path: string) => string,
): CertificateState[] {
  const named = [
    [certFile, 'own certificate towards'],
    [caFile, 'certificate authority of'],
  ] as const;
  return named.flatMap(([path, use]) => {
    if (path === undefined) return [];
    try {
      const { fingerprint256, subject, validToDate } = new X509Certificate(
        readNamed(resolvePath(path)),
      );
      const notAfterMs = validToDate.getTime();
      const name = subject.replaceAll('\n', ', ');
      return [{ use: `${use} ${url}`, subject: name, fingerprint: fingerprint256, notAfterMs }];
    } catch {
      // The next dial says what is wrong with the file.
      return [];
    }
  });
}

function readNamed(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new EdgeError('GW_DRIVER_FILE_UNREADABLE', `reading ${path}`, { cause });
  }
}
