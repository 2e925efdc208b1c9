/**
 * The load process of the ingester's measurement: sends a corpus over MQTT with a window of
 * unanswered batches and prints what came back. A process of its own, as gateways are.
 * Arguments: broker URL, gateway fingerprint, corpus file, window, batches a second (0 = all).
 */
import { readFileSync } from 'node:fs';
import { connectAsync } from 'mqtt';
import { isNoticeMessage } from '../../devices/credential/checkpoint.ts';
import { credentialDigest, receiptTopic, uplinkTopic } from '../../devices/envelope.ts';
import { quantile } from './figure.ts';

const [url = '', fingerprint = '', file = '', windowText = '64', rateText = '0'] =
  process.argv.slice(2);
const window = Number(windowText);
const rate = Number(rateText);
const tokens = readCorpus(file);

const client = await connectAsync(url, { protocolVersion: 4, clean: true, reconnectPeriod: 0 });
const sentAt = new Map<string, number>();
const latencies: number[] = [];
const outcomes: Record<string, number> = {};
let answered = 0;
let next = 0;

const finished = new Promise<void>((resolve) => {
  client.on('message', (_topic, payload) => {
    // Checkpoints come by the same way.
    if (isNoticeMessage(payload)) return;
    const [, body = ''] = payload.toString('latin1').split('.');
    const receipt = JSON.parse(Buffer.from(body, 'base64url').toString()) as {
      results: { digest: string; outcome: string }[];
    };
    const now = performance.now();
    for (const result of receipt.results) {
      const sent = sentAt.get(result.digest);
      if (sent === undefined) continue;
      sentAt.delete(result.digest);
      latencies.push(now - sent);
      outcomes[result.outcome] = (outcomes[result.outcome] ?? 0) + 1;
      answered += 1;
    }
    if (answered === tokens.length) resolve();
    else if (rate === 0) fill();
  });
});
await client.subscribeAsync(receiptTopic(fingerprint), { qos: 1 });

const start = performance.now();
if (rate === 0) fill();
else pace();
await finished;
const seconds = (performance.now() - start) / 1000;
process.stdout.write(
  `${JSON.stringify({
    batches: tokens.length,
    seconds,
    outcomes,
    latencyMs: { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) },
  })}\n`,
);
await client.endAsync();

function fill(): void {
  while (sentAt.size < window && next < tokens.length) send();
}

/** Sends so that the mean rate holds, whatever the timer's grain. */
function pace(): void {
  const due = Math.min(tokens.length, Math.floor(((performance.now() - start) / 1000) * rate));
  while (next < due) send();
  if (next < tokens.length) setTimeout(pace, 2);
}

function send(): void {
  const token = tokens[next];
  next += 1;
  if (!token) return;
  sentAt.set(credentialDigest(token), performance.now());
  client.publish(uplinkTopic(fingerprint), Buffer.from(token), { qos: 1 });
}

/** A corpus file is a sequence of tokens, each behind its length in four bytes. */
function readCorpus(path: string): Uint8Array[] {
  const bytes = readFileSync(path);
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    found.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}
