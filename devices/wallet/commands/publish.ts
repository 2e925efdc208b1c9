/** `bondline-wallet publish`: the static files of an organisation. */
import { join } from 'node:path';
import { readArguments, timeOf, usage } from '../arguments.ts';
import { help } from '../help.ts';
import { LIST_FORMS } from '../publish.ts';
import { openWallet, type WalletContext } from '../wallet.ts';
import { type Answer, next } from './command.ts';

export async function publish(args: readonly string[], context: WalletContext): Promise<Answer> {
  const read = readArguments(args, {
    single: ['form', 'out', 'passphrase-file', 'status-url', 'valid-until'],
    positionals: 1,
  });
  if (read.has('help')) return help.publish;
  const [folder = ''] = read.positionals;
  const out = read.required('out');
  const wanted = read.one('form') ?? 'jwt';
  const form = LIST_FORMS.find((one) => one === wanted);
  if (wanted === 'data-integrity') {
    throw usage(
      'credentials name the address of status/*.jwt, which --form data-integrity alone would ' +
        'leave empty; --form both writes that and the form with a proof inside',
    );
  }
  if (!form) throw usage(`--form takes ${LIST_FORMS.join(' or ')}`);
  const validUntil = read.one('valid-until');
  const validUntilMs = validUntil === undefined ? undefined : timeOf('valid-until', validUntil);
  const wallet = openWallet(folder, context, read.one('passphrase-file'));
  const statusUrl = read.one('status-url');
  if (statusUrl !== undefined) await wallet.setStatusUrl(statusUrl);
  const options = { form, ...(validUntilMs !== undefined && { validUntilMs }) };
  const files = (await wallet.publish(out, options)).map((path) => join(out, path));
  return {
    json: { organisation: wallet.did, files },
    lines: [
      ...files.map((file) => `written ${file}`),
      ...next(
        `let the web server of ${wallet.statusUrl ?? wallet.did} show ${out}, or give it to the ingester:`,
        `bondline-ingest trust ingest.yaml add ${out}`,
      ),
    ],
  };
}
