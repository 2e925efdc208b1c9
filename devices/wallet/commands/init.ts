/** `bondline-wallet init`: an organisation's identity. */
import { readArguments, uriOf, usage } from '../arguments.ts';
import { help } from '../help.ts';
import { createWallet, type WalletContext } from '../wallet.ts';
import { walletPaths } from '../wallet-file.ts';
import { type Answer, next } from './command.ts';

const METHODS = ['web', 'key', 'jwk'] as const;

export async function init(args: readonly string[], context: WalletContext): Promise<Answer> {
  const read = readArguments(args, {
    single: [
      ...['did', 'did-method', 'module', 'name', 'passphrase-file', 'service', 'status-url'],
      'token',
    ],
    positionals: 1,
  });
  if (read.has('help')) return help.init;
  const [folder = ''] = read.positionals;
  const name = read.required('name').trim();
  if (name === '' || name.length > 200) throw usage('--name takes 1 to 200 characters');
  const wanted = read.one('did-method') ?? 'web';
  const method = METHODS.find((one) => one === wanted);
  if (!method) throw usage('--did-method takes web, key or jwk');
  const did = method === 'web' ? webNameOf(read.required('did')) : undefined;
  if (method !== 'web' && (read.one('did') ?? read.one('service')) !== undefined) {
    throw usage(`--did and --service belong to --did-method web; did:${method} is made of its key`);
  }
  const service = read.one('service');
  const statusUrl = read.one('status-url');
  const passphraseFile = read.required('passphrase-file');
  const [module, label] = [read.one('module'), read.one('token')];
  if ((module === undefined) !== (label === undefined)) {
    throw usage('--module and --token go together: the PKCS#11 library, and the token in it');
  }
  const wallet = await createWallet(
    folder,
    {
      ...{ method, name, passphraseFile },
      ...(did !== undefined && { did }),
      ...(module !== undefined && label !== undefined && { token: { module, label } }),
      ...(service !== undefined && { service: uriOf('service', service) }),
      ...(statusUrl !== undefined && { statusUrl }),
    },
    context,
  );
  const didDocument = walletPaths(folder).did;
  return {
    json: { did: wallet.did, name: wallet.name, didDocument },
    lines: [
      `wallet of ${wallet.name} in ${folder}`,
      `  identity     ${wallet.did}`,
      `  its document ${didDocument}`,
      'Keep the folder and the passphrase safe: who has both signs in your name.',
      ...(method === 'web' || statusUrl !== undefined
        ? next(
            'bondline-gateway enrol-request gateway.yaml --out requests   (at the gateway)',
            `bondline-wallet enrol ${folder} --request requests/*.jwt …`,
          )
        : next(
            `bondline-wallet sign KIND FILE --wallet ${folder}`,
            `bondline-wallet enrol ${folder} --status-url https://… --request …   (for devices)`,
          )),
    ],
  };
}

/** The DID as given; whoever gives the address of the web server learns how it is written. */
function webNameOf(did: string): string {
  if (did.startsWith('did:')) return did;
  const host = did.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  throw usage(
    `--did ${did} is no DID: for https://${host} say did:web:${host.replace(':', '%3A')}`,
  );
}
