/**
 * A sensor with a key of its own, as a process: signs batches and publishes them. It reads what to
 * do as JSON from its standard input, and prints each token that it published.
 */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { didOfPublicJwk, keyIdOfDid } from '../../devices/identity/did-key.ts';
import type { Signer } from '../../devices/identity/signer.ts';
import { dialMqtt } from '../../gateway/mqtt-client.ts';
import { until } from '../support/driver-context.ts';
import { BatchMaker, readingGroups } from '../support/signed-batch.ts';

export interface SensorTask {
  /** Private key, PKCS #8 in PEM. */
  readonly key: string;
  readonly gateway: string;
  readonly profile: { readonly name: string; readonly digest: string };
  readonly about: string;
  readonly url: string;
  readonly topic: string;
  readonly batches: number;
}

/** A signer of a P-256 key. */
export function signerOfPem(pem: string): Signer {
  const key = createPrivateKey(pem);
  const jwk = createPublicKey(key).export({ format: 'jwk' }) as Record<string, string>;
  const did = didOfPublicJwk(jwk);
  return {
    did,
    keyId: keyIdOfDid(did),
    algorithm: 'ES256',
    sign: (data) => sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }),
  };
}

async function publishAll(task: SensorTask): Promise<void> {
  const maker = new BatchMaker(signerOfPem(task.key), task.gateway);
  const client = dialMqtt(task.url, { clientId: 'sensor', clean: true });
  await until(() => client.connected);
  for (let n = 0; n < task.batches; n += 1) {
    const nowMs = Date.now();
    const groups = readingGroups({ fromMs: nowMs, times: 1, points: 2, about: task.about });
    const token = await maker.next(nowMs, { groups, profile: task.profile });
    await client.publishAsync(task.topic, Buffer.from(token), { qos: 1 });
    process.stdout.write(`${Buffer.from(token).toString('latin1')}\n`);
  }
  await client.endAsync();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  let text = '';
  for await (const chunk of process.stdin) text += String(chunk);
  await publishAll(JSON.parse(text) as SensorTask);
}
