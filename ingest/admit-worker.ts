/** A thread that judges chunks of credentials: `serveAdmission` as a worker. */
import { strict as assert } from 'node:assert';
import { parentPort, workerData } from 'node:worker_threads';
import { admit } from './admit.ts';
import { type AdmitSettings, serveAdmission } from './admit-serve.ts';

assert(parentPort !== null, 'admit-worker is started as a worker thread');
serveAdmission(parentPort, workerData as AdmitSettings, admit);
