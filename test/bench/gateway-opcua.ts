/** An OPC UA server of 1,040 variables that all change every 100 ms, in a process of its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BenchPeer } from './gateway.ts';

/** A little more than is asked for, since what is signed cannot be more than the server has. */
const VARIABLES = 1_040;
const CHANGE_MS = 100;
/** What the issue asks for, values a second. */
const ASKED = 10_000;

/** Encrypted, as in the field; the subscription sends every change. */
export const opcuaPeer: BenchPeer = {
  protocol: 'opcua',
  asked: ASKED,
  async start(_start, directory) {
    const program = fileURLToPath(new URL('./opcua-server.ts', import.meta.url));
    const child = fork(program, [directory, String(VARIABLES), String(CHANGE_MS)]);
    const [ready] = (await once(child, 'message')) as [{ url: string; certificateFile: string }];
    // It ends with this process, which does not wait for it.
    child.unref();
    child.channel?.unref();
    return [
      '  - name: line',
      '    driver: opcua',
      '    connection:',
      `      url: "${ready.url}"`,
      '      rootPath: Line',
      `      serverCertificate: "${ready.certificateFile}"`,
      '    goods: did:web:bench.example/batch/1',
      '    flushMs: 250',
      '    enrolment: enrolments/line.jwt',
      '    profile:',
      '      name: variables',
      '      summary: Variables',
      '      source: test',
      '      protocol: opcua',
      '      reportsOn: pipeline-batch',
      '      points:',
      ...Array.from(
        { length: VARIABLES },
        (_, index) =>
          `        v${index}: { summary: Variable ${index}, type: Dimensionless, unit: C62, opcua: { path: V${index} } }`,
      ),
    ];
  },
};
