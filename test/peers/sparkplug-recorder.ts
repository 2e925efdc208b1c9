/** A wire between clients and a broker that writes down what passes, for tshark to judge. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Recorder {
  readonly url: string;
  /** Cuts the connections of the client with this client id, as a power cut would. */
  cut(clientId: string): void;
  /** What tshark says of the Sparkplug messages that passed, one line each, with these fields. */
  judge(fields: readonly string[]): string[][];
  close(): Promise<void>;
}

/**
 * Names for what the tests look at, in the package that tshark 4.0 looks for; the numbers are those
 * of the public `sparkplug_b.proto`.
 */
const SCHEMA = `syntax = "proto2";
package com.cirruslink.sparkplug.protobuf;
message Payload {
  message Metric {
    optional string name = 1;
    optional uint64 alias = 2;
    optional uint64 timestamp = 3;
    optional uint32 datatype = 4;
    oneof value {
      uint32 int_value = 10;
      uint64 long_value = 11;
      double double_value = 13;
      bool boolean_value = 14;
      string string_value = 15;
    }
  }
  optional uint64 timestamp = 1;
  repeated Metric metrics = 2;
  optional uint64 seq = 3;
}
`;

export async function startRecorder(brokerPort: number): Promise<Recorder> {
  const wires: { readonly client: Socket; readonly chunks: [direction: 'O' | 'I', Buffer][] }[] =
    [];
  const server = createServer((client) => {
    const broker = connect(brokerPort, '127.0.0.1');
    const chunks: [direction: 'O' | 'I', Buffer][] = [];
    wires.push({ client, chunks });
    client.on('data', (chunk) => {
      chunks.push(['O', chunk]);
      broker.write(chunk);
    });
    broker.on('data', (chunk) => {
      chunks.push(['I', chunk]);
      client.write(chunk);
    });
    for (const [one, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      one.on('error', () => undefined);
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut(clientId) {
      for (const { client, chunks } of wires) {
        if (chunks[0]?.[1].includes(clientId)) client.destroy();
      }
    },
    judge: (fields) =>
      judge(
        wires.map(({ chunks }) => chunks),
        fields,
      ),
    close: () =>
      new Promise((resolve) => {
        for (const { client } of wires) client.destroy();
        server.close(() => resolve());
      }),
  };
}

function judge(
  wires: readonly (readonly (readonly ['O' | 'I', Buffer])[])[],
  fields: readonly string[],
): string[][] {
  const folder = mkdtempSync(join(tmpdir(), 'bondline-tshark-'));
  try {
    writeFileSync(join(folder, 'sparkplug_b.proto'), SCHEMA);
    return wires.flatMap((chunks, index) => {
      const text = chunks.map(([way, bytes]) => `${way}\n${dump(bytes)}`).join('\n');
      const port = 20_000 + index;
      writeFileSync(join(folder, 'wire.txt'), `${text}\n`);
      const capture = join(folder, `${index}.pcap`);
      const ports = ['-D', '-T', `1883,${port}`];
      run('text2pcap', ['-q', ...ports, join(folder, 'wire.txt'), capture]);
      const named = fields.flatMap((field) => ['-e', field]);
      const out = run('tshark', [
        ...['-r', capture, '-Y', 'mqtt', '-T', 'fields', ...named],
        ...['-o', 'protobuf.pbf_as_hf:TRUE', '-o', 'protobuf.preload_protos:TRUE'],
        ...['-o', `uat:protobuf_search_paths:"${folder}","TRUE"`],
      ]);
      return out.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.split('\t')]));
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(program: string, args: readonly string[]): string {
  return execFileSync(program, [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Offset and bytes, as text2pcap reads them. */
function dump(bytes: Buffer): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)].map((byte) => byte.toString(16).padStart(2, '0'));
    lines.push(`${at.toString(16).padStart(6, '0')} ${row.join(' ')}`);
  }
  return lines.join('\n');
}
