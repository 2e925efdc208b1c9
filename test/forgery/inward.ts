/**
 * Names and addresses that are to lead a fetch into our own network: every private address in
 * every spelling, as a URL and as a `did:web`, by its name and by what the name is said to mean.
 */
import type { FetchSettings } from '../../devices/io/resolve/fetch-document.ts';
import { fetchDocument } from '../../devices/io/resolve/fetch-document.ts';
import { createResolver } from '../../devices/io/resolve/resolver.ts';
import { systemClock } from '../../devices/runtime.ts';

/** One attempt: what it is, and how it is made. */
export interface Attempt {
  readonly kind: string;
  readonly place: string;
  run(): Promise<object>;
}

/** Private, local and special addresses; the first three have a sensor. */
const INWARD_4 = [
  ...['127.0.0.1', '127.0.0.2', '127.255.255.254', '0.0.0.0', '10.0.0.1', '172.16.0.1'],
  ...['172.31.255.254', '192.168.0.1', '169.254.169.254', '100.64.0.1', '198.18.0.1'],
  ...['192.0.0.8', '224.0.0.1', '255.255.255.255', '192.88.99.1', '240.0.0.1'],
];

const INWARD_6 = [
  ...['::1', '::', 'fc00::1', 'fd00::1', 'fe80::1', 'fec0::1', 'ff02::1', '100::1'],
  ...['2001:db8::1', '2001::1', '3fff::1', '0:0:0:0:0:0:0:1', '0000::0001'],
];

const partsOf = (ip: string): number[] => ip.split('.').map(Number);
const numberOf = (ip: string): number => partsOf(ip).reduce((sum, part) => sum * 256 + part, 0);
const hexOf = (part: number): string => part.toString(16).padStart(2, '0');
const groupsOf = (ip: string): string => {
  const [a = 0, b = 0, c = 0, d = 0] = partsOf(ip).map(hexOf) as never[];
  return `${a}${b}:${c}${d}`;
};
const wide = (text: string): string =>
  [...text]
    .map((one) => (/\d/.test(one) ? String.fromCodePoint(0xff10 + Number(one)) : one))
    .join('');
const circled = (text: string): string =>
  [...text]
    .map((one) => (/[1-9]/.test(one) ? String.fromCodePoint(0x245f + Number(one)) : one))
    .join('');

/** Spellings of an IPv4 address as the host of a URL. */
const SPELLINGS_4: readonly [string, (ip: string) => string][] = [
  ['dotted', (ip) => ip],
  ['one number', (ip) => String(numberOf(ip))],
  ['one number in hex', (ip) => `0x${numberOf(ip).toString(16)}`],
  ['one number in octal', (ip) => `0${numberOf(ip).toString(8)}`],
  [
    'parts in hex',
    (ip) =>
      partsOf(ip)
        .map((part) => `0x${hexOf(part)}`)
        .join('.'),
  ],
  [
    'parts in octal',
    (ip) =>
      partsOf(ip)
        .map((part) => `0${part.toString(8)}`)
        .join('.'),
  ],
  [
    'parts with zeros',
    (ip) =>
      partsOf(ip)
        .map((part) => String(part).padStart(6, '0'))
        .join('.'),
  ],
  ['two parts', (ip) => `${partsOf(ip)[0]}.${numberOf(ip) % 2 ** 24}`],
  ['three parts', (ip) => `${partsOf(ip).slice(0, 2).join('.')}.${numberOf(ip) % 2 ** 16}`],
  ['a dot behind', (ip) => `${ip}.`],
  ['escaped', (ip) => [...ip].map((one) => `%${one.charCodeAt(0).toString(16)}`).join('')],
  ['wide digits', wide],
  ['circled digits', circled],
  ['wide dots', (ip) => ip.replaceAll('.', '\u3002')],
  ['a blank without width', (ip) => `${ip.slice(0, 1)}\u200b${ip.slice(1)}`],
  ['a soft hyphen', (ip) => `${ip.slice(0, 1)}\u00ad${ip.slice(1)}`],
  ['behind a login', (ip) => `mill.example@${ip}`],
  ['behind a login with a password', (ip) => `mill.example:443@${ip}`],
  ['behind a backslash', (ip) => `${ip}\\@mill.example`],
  ['behind a mark', (ip) => `${ip}#@mill.example`],
  ['mapped', (ip) => `[::ffff:${ip}]`],
  ['mapped in hex', (ip) => `[::ffff:${groupsOf(ip)}]`],
  ['compatible', (ip) => `[::${ip}]`],
  ['NAT64', (ip) => `[64:ff9b::${ip}]`],
  ['NAT64, local', (ip) => `[64:ff9b:1::${groupsOf(ip)}]`],
  ['6to4', (ip) => `[2002:${groupsOf(ip)}::1]`],
  ['translated', (ip) => `[::ffff:0:${ip}]`],
];

const SPELLINGS_6: readonly [string, (ip: string) => string][] = [
  ['in brackets', (ip) => `[${ip}]`],
  ['without brackets', (ip) => ip],
  ['in capitals', (ip) => `[${ip.toUpperCase()}]`],
  ['with a zone', (ip) => `[${ip}%25lo]`],
  ['with a bare zone', (ip) => `[${ip}%lo]`],
  ['behind a login', (ip) => `mill.example@[${ip}]`],
  ['a dot behind', (ip) => `[${ip}].`],
];

const NAMES = [
  ...['localhost', 'LOCALHOST', 'localhost.', 'localhost.localdomain', 'ip6-localhost', 'loopback'],
  ...[
    'l\u043ecalhost',
    'ⓛocalhost',
    'localho\u017ft',
    'local\u00adhost',
    'xn--localhost-',
    'broadcasthost',
  ],
  ...['metadata.google.internal', 'metadata', 'kubernetes.default.svc', 'router.local', 'intranet'],
  ...['127.0.0.1.forger.example', 'localhost.forger.example', '0x7f000001.forger.example', '_'],
];

const SCHEMES = [
  'http:',
  'HTTP:',
  'ws:',
  'wss:',
  'ftp:',
  'file:',
  'gopher:',
  'data:',
  'unix:',
  'jar:https:',
  '',
];

/** Where a public name may lead. None of it is ever dialled: the hook ends such attempts. */
const PUBLIC = ['9.9.9.9', '2606:4700:4700::1111'];

const ANSWERS: readonly [string, (ip: string) => readonly string[]][] = [
  ['only inward', (ip) => [ip]],
  ['inward behind public', (ip) => [...PUBLIC, ip]],
  ['inward before public', (ip) => [ip, ...PUBLIC]],
  [
    'inward as the last of many',
    (ip) => [...Array.from({ length: 40 }, () => PUBLIC[0] ?? ''), ip],
  ],
  ['mapped', (ip) => [ip.includes(':') ? ip : `::ffff:${ip}`]],
  ['mapped in hex', (ip) => [ip.includes(':') ? ip : `::ffff:${groupsOf(ip)}`]],
  ['NAT64', (ip) => [ip.includes(':') ? ip : `64:ff9b::${groupsOf(ip)}`]],
  ['with a zone', (ip) => [`${ip}%lo`]],
  ['no address', (ip) => [`x${ip}`]],
  ['a number', (ip) => [ip.includes(':') ? ip : String(numberOf(ip))]],
];

const settings = (lookup: NonNullable<FetchSettings['lookup']>) => ({
  clock: systemClock,
  lookup,
  timeoutMs: 5_000,
});

/** A look-up that gives public addresses first, and inward ones to whoever asks again. */
function rebinding(ip: string): NonNullable<FetchSettings['lookup']> {
  let asked = 0;
  return async () => {
    asked += 1;
    return asked === 1 ? ['9.9.9.9'] : [ip];
  };
}

export function* attempts(port: number): Generator<Attempt> {
  const inward = async () => ['127.0.0.1'];
  const fetch = (kind: string, url: string): Attempt => ({
    kind,
    place: 'URL',
    run: () => fetchDocument(url, settings(inward)),
  });
  const resolve = (kind: string, place: string, did: string, lookup = inward): Attempt => ({
    kind,
    place,
    run: () => createResolver(settings(lookup)).resolve(did),
  });
  const hosts = [
    ...INWARD_4.flatMap((ip) =>
      SPELLINGS_4.map(([name, spell]) => [`${ip} ${name}`, spell(ip)] as const),
    ),
    ...INWARD_6.flatMap((ip) =>
      SPELLINGS_6.map(([name, spell]) => [`${ip} ${name}`, spell(ip)] as const),
    ),
    ...NAMES.map((name) => [`the name ${name}`, name] as const),
  ];
  for (const [kind, host] of hosts) {
    yield fetch(kind, `https://${host}:${port}/did.json`);
    yield resolve(kind, 'did:web', `did:web:${host.replaceAll(':', '%3A')}%3A${port}`);
    yield resolve(kind, 'did:web with a path', `did:web:${host}:${port}:x`);
  }
  for (const scheme of SCHEMES) {
    for (const host of ['127.0.0.1', '[::1]', 'localhost', 'mill.example']) {
      yield fetch(`${scheme}//${host}`, `${scheme}//${host}:${port}/did.json`);
    }
  }
  yield* answers(port);
}

function* answers(port: number): Generator<Attempt> {
  const url = `https://mill.example:${port}/did.json`;
  for (const ip of [...INWARD_4, ...INWARD_6]) {
    for (const [name, answer] of ANSWERS) {
      const lookup = async () => answer(ip);
      const kind = `${ip}, ${name}`;
      yield { kind, place: 'look-up of a URL', run: () => fetchDocument(url, settings(lookup)) };
      const did = `did:web:mill.example%3A${port}`;
      const { resolve } = createResolver(settings(lookup));
      yield { kind, place: 'look-up of a did:web', run: () => resolve(did) };
    }
    const run = () => fetchDocument(url, settings(rebinding(ip)));
    yield { kind: `${ip}, rebinding`, place: 'look-up of a URL', run };
    const { resolve } = createResolver(settings(rebinding(ip)));
    const again = async () => {
      await resolve(`did:web:mill.example%3A${port}`);
      return resolve(`did:web:mill.example%3A${port}:again`);
    };
    yield { kind: `${ip}, rebinding`, place: 'look-up of a did:web', run: again };
  }
}

/** Ways of a server to send its reader elsewhere. */
export const REDIRECTS: readonly [number, Readonly<Record<string, string>>][] = [
  ...[301, 302, 303, 305, 307, 308, 300].map(
    (status) => [status, { location: '' }] as [number, Record<string, string>],
  ),
  [200, { refresh: '0; url=' }],
  [200, { 'alt-svc': '' }],
  [200, { link: '' }],
  [201, { location: '' }],
  [421, { 'alt-svc': '' }],
  [407, { 'proxy-authenticate': '' }],
];
