/** One HTTPS request to the ingester, its authority pinned: how a certificate is asked for. */
import { request } from 'node:https';
import { tls13 } from '../devices/io/uplink/tls.ts';

export interface PostedAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

/** Certificates and refusals are far smaller. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** Posts bytes and returns the whole answer. Rejects with what the network says, or an abort. */
export function postBytes(
  url: string,
  body: Uint8Array,
  options: { readonly authority: string; readonly signal: AbortSignal },
): Promise<PostedAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      {
        method: 'POST',
        ca: options.authority,
        ...tls13,
        rejectUnauthorized: true,
        agent: false,
        signal: options.signal,
        headers: { 'content-type': 'application/jwt', 'content-length': body.length },
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > ANSWER_BYTES_MAX) asked.destroy(new Error('the answer is too long'));
          else chunks.push(chunk);
        });
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) });
        });
        response.on('error', reject);
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}
