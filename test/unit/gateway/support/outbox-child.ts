/** A process that appends to an outbox without end; it prints a line for each that is durable. */
import { silentLog } from '../../../../devices/runtime.ts';
import { openOutbox } from '../../../../gateway/outbox-client.ts';
import type { OutboxSettings } from '../../../../gateway/outbox-message.ts';
import { draftOf } from './outbox-world.ts';

const settings = JSON.parse(process.argv[2] ?? '{}') as OutboxSettings;
const { outbox, identities } = await openOutbox(settings, silentLog);
const did = identities.find(({ label }) => label === 'fc-1')?.did ?? '';

async function append(): Promise<void> {
  for (;;) {
    await outbox.append(draftOf(did));
    process.stdout.write('durable\n');
  }
}

await Promise.all([append(), append(), append()]);
