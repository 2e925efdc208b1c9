import type { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type Judged,
  type Objection,
  objectionsTo,
} from '../../../../../gateway/drivers/opcua/judge.ts';
import { readRevocationList } from '../../../../../gateway/drivers/opcua/revocation.ts';
import type { TrustList } from '../../../../../gateway/drivers/opcua/trust-list.ts';
import {
  type Identity,
  makeCertificate,
  makeRevocationList,
  SERVER_URI,
  USAGE,
} from '../../../../support/opcua-certificates.ts';

const DAY_MS = 86_400_000;

function trusting(more: Partial<TrustList> = {}): TrustList {
  return { trusted: [], issuers: [], revocations: [], ...more };
}

function judge(chain: readonly Identity[], more: Partial<Judged> = {}): Objection[] {
  const certificates = chain.map(({ certificate }) => certificate);
  return objectionsTo({
    chain: certificates,
    trust: trusting({ trusted: certificates.slice(0, 1) }),
    pinned: undefined,
    host: '127.0.0.1',
    applicationUri: SERVER_URI,
    nowMs: Date.now(),
    ...more,
  });
}

function sentences(objections: readonly Objection[]): string[] {
  return objections.map(({ sentence }) => sentence);
}

describe('a certificate that signed itself', () => {
  it('is believed when a person has trusted it, and only then', async () => {
    const server = await makeCertificate();
    const other = await makeCertificate({ name: 'other' });
    expect(judge([server])).toEqual([]);
    const trust = trusting({ trusted: [other.certificate] });
    expect(judge([server], { trust })).toEqual([
      { sentence: 'is not trusted by anyone here', trustHelps: true },
    ]);
    // Who may only complete chains trusts nothing.
    const issuers = trusting({ issuers: [server.certificate] });
    expect(judge([server], { trust: issuers })).toHaveLength(1);
  });

  it('with the name of a trusted one is not trusted', async () => {
    const server = await makeCertificate({ name: 'mill' });
    const forged = await makeCertificate({
      name: 'mill',
      key: await makeCertificate({ name: 'x' }),
    });
    const trust = trusting({ trusted: [server.certificate] });
    expect(judge([forged], { trust })[0]?.sentence).toMatch(/^is not trusted/);
  });

  it('is compared with the pinned one, whatever else is trusted', async () => {
    const server = await makeCertificate();
    const other = await makeCertificate({ name: 'other' });
    expect(judge([server], { trust: trusting(), pinned: server.certificate })).toEqual([]);
    const [objection] = judge([server], { pinned: other.certificate });
    expect(objection?.sentence).toBe(`is not the pinned one, ${other.certificate.fingerprint256}`);
    expect(objection?.trustHelps).toBe(false);
  });
});

describe('the time', () => {
  it('edge 30 (node-opcua #1148): an expired certificate is refused with the day', async () => {
    const notAfterMs = Date.UTC(2026, 2, 1);
    const notBeforeMs = Date.UTC(2025, 2, 1);
    const server = await makeCertificate({ notAfterMs, notBeforeMs });
    expect(judge([server], { nowMs: notAfterMs })).toEqual([
      { sentence: 'expired on 2026-03-01T00:00:00.000Z', trustHelps: false, tolerance: 'expired' },
    ]);
    expect(judge([server], { nowMs: notAfterMs - 1 })).toEqual([]);
    expect(judge([server], { nowMs: notBeforeMs })).toEqual([]);
    expect(sentences(judge([server], { nowMs: notBeforeMs - 1 }))).toEqual([
      'is not valid before 2025-03-01T00:00:00.000Z; ' +
        'the clock of this gateway says 2025-02-28T23:59:59.999Z',
    ]);
  });

  it('of who signed counts as well', async () => {
    const authority = await makeCertificate({
      name: 'old authority',
      authority: true,
      notAfterMs: Date.now() - DAY_MS,
      notBeforeMs: Date.now() - 9 * DAY_MS,
    });
    const server = await makeCertificate({ issuer: authority });
    const revocations = [readRevocationList(Buffer.from(await makeRevocationList(authority, [])))];
    const trust = trusting({ trusted: [authority.certificate], revocations });
    expect(judge([server], { trust })[0]?.sentence).toMatch(/^was signed by one that expired on /);
  });
});

describe('the host', () => {
  it('is not named by what goes before a NUL, and no name reaches a terminal as it is', async () => {
    const server = await makeCertificate({ dns: ['mill.example\0.evil.example', 'a\u001b[2J'] });
    const [first] = judge([server], { host: 'mill.example' });
    expect(first?.sentence).toContain('it names mill.example?.evil.example, a?[2J, ');
  });

  it('must be one that the certificate names', async () => {
    const server = await makeCertificate({
      dns: ['mill.example'],
      ip: ['192.0.2.10', '2001:db8::1'],
    });
    for (const host of ['mill.example', 'MILL.Example', '192.0.2.10', '[2001:DB8:0::1]']) {
      expect(judge([server], { host }), host).toEqual([]);
    }
    for (const host of ['mill.example.net', 'ill.example', '192.0.2.1', '[2001:db8::2]', '']) {
      expect(judge([server], { host }), host).toEqual([
        {
          sentence: expect.stringMatching(
            /^is for another host: it names mill.example, 192.0.2.10, 2001:db8:0:0:0:0:0:1, and/,
          ),
          trustHelps: false,
          tolerance: 'host',
        },
      ]);
    }
  });

  it('is found where a device writes its address as a name', async () => {
    const server = await makeCertificate({ dns: ['192.0.2.7'], ip: [] });
    expect(judge([server], { host: '192.0.2.7' })).toEqual([]);
  });
});

it('for another application is refused, and that is not tolerated', async () => {
  const server = await makeCertificate({ uri: 'urn:another' });
  expect(judge([server])).toEqual([
    {
      sentence: `is for another application: it names urn:another, and the server ${SERVER_URI}`,
      trustHelps: false,
    },
  ]);
});

describe('the key', () => {
  it('must be long enough and for this use', async () => {
    const short = await makeCertificate({ name: 'short', bits: 1_024 });
    expect(sentences(judge([short]))).toEqual(['has a key of 1024 bits; the least is 2048']);
    const signing = await makeCertificate({ usage: USAGE.digitalSignature });
    expect(sentences(judge([signing]))).toEqual([
      'has a key that is not for this use: it lacks keyEncipherment, dataEncipherment',
    ]);
    const client = await makeCertificate({ extended: ['1.3.6.1.5.5.7.3.2'] });
    expect(sentences(judge([client]))).toEqual([
      'is not for a server: its extended key usage lacks serverAuth',
    ]);
  });

  it('must not be vouched for by SHA-1', async () => {
    const old = await makeCertificate({ hash: 'SHA-1' });
    expect(sentences(judge([old]))).toEqual(['was signed with SHA-1, which can be forged']);
  });
});

describe('a certificate of an authority', () => {
  async function site() {
    const root = await makeCertificate({ name: 'root', authority: true });
    const middle = await makeCertificate({ name: 'middle', authority: true, issuer: root });
    const server = await makeCertificate({ issuer: middle });
    const listOf = async (issuer: Identity, revoked: X509Certificate[], times = {}) =>
      readRevocationList(Buffer.from(await makeRevocationList(issuer, revoked, times)));
    return { root, middle, server, listOf };
  }

  it('edge 28 (Industrial-IoT #430): is believed by a chain to one that a person trusted', async () => {
    const { listOf, middle, root, server } = await site();
    const revocations = [await listOf(root, []), await listOf(middle, [])];
    const trusted = [root.certificate];
    expect(judge([server, middle], { trust: trusting({ trusted, revocations }) })).toEqual([]);
    const issuers = [middle.certificate];
    expect(judge([server], { trust: trusting({ trusted, issuers, revocations }) })).toEqual([]);
    // The authority below the root is enough.
    const below = trusting({ trusted: issuers, issuers: trusted, revocations });
    expect(judge([server], { trust: below })).toEqual([]);
    // A chain that nobody trusted, or that has a hole, is none.
    expect(sentences(judge([server, middle, root], { trust: trusting({ revocations }) }))).toEqual([
      'is not trusted, nor is who signed it: CN=middle, then CN=root',
    ]);
    expect(sentences(judge([server], { trust: trusting({ trusted, revocations }) }))).toEqual([
      'is not trusted by anyone here; who signed it, CN=middle, is not known either',
    ]);
  });

  it('is refused when one on the way may not sign for others', async () => {
    const { listOf, root } = await site();
    const leaf = await makeCertificate({ name: 'leaf', issuer: root });
    const server = await makeCertificate({ name: 'by a leaf', issuer: leaf });
    const trust = trusting({
      trusted: [root.certificate],
      revocations: [await listOf(root, [])],
    });
    const told = sentences(judge([server, leaf], { trust }));
    expect(told).toContain('was signed by one that may not sign for others: CN=leaf');
  });

  it('is refused when it was revoked, or who signed it was', async () => {
    const { listOf, middle, root, server } = await site();
    const trusted = [root.certificate];
    const clean = [await listOf(root, []), await listOf(middle, [])];
    const revoked = [...clean, await listOf(middle, [server.certificate])];
    const told = judge([server, middle], { trust: trusting({ trusted, revocations: revoked }) });
    expect(told).toEqual([
      { sentence: expect.stringMatching(/^was revoked on .* by CN=middle$/), trustHelps: false },
    ]);
    const above = [...clean, await listOf(root, [middle.certificate])];
    expect(
      sentences(judge([server, middle], { trust: trusting({ trusted, revocations: above }) })),
    ).toEqual([expect.stringMatching(/^was signed by one that was revoked on .* by CN=root$/)]);
    // Trusting the very certificate by hand does not make it unrevoked.
    const direct = trusting({ trusted: [server.certificate], revocations: revoked });
    expect(sentences(judge([server, middle], { trust: direct }))).toEqual([
      expect.stringMatching(/^was revoked on /),
    ]);
  });

  it('is refused without a current list of its issuer, unless a site tolerates that', async () => {
    const { listOf, middle, root, server } = await site();
    const trusted = [root.certificate];
    const lists = [await listOf(root, [])];
    const [missing, ...more] = judge([server, middle], {
      trust: trusting({ trusted, revocations: lists }),
    });
    expect(more).toEqual([]);
    expect(missing).toEqual({
      sentence:
        'cannot be looked up: there is no revocation list of CN=middle; ' +
        'add it with bondline-gateway opcua-trust CONFIG add CRL-FILE',
      trustHelps: true,
      tolerance: 'no-crl',
    });
    const nextUpdateMs = Date.now() - 1_000;
    const stale = [...lists, await listOf(middle, [], { nextUpdateMs })];
    const ranOut = judge([server, middle], { trust: trusting({ trusted, revocations: stale }) });
    expect(sentences(ranOut)).toEqual([
      expect.stringMatching(/^cannot be looked up: the revocation list of CN=middle ran out on /),
    ]);
    // Trusted by hand, it needs none.
    const direct = trusting({ trusted: [server.certificate] });
    expect(judge([server, middle], { trust: direct })).toEqual([]);
  });

  it('is not revoked by a list that another has signed', async () => {
    const { listOf, middle, root, server } = await site();
    const impostor = await makeCertificate({ name: 'middle', authority: true, key: root });
    const forged = await listOf(impostor, [server.certificate]);
    const revocations = [await listOf(root, []), await listOf(middle, []), forged];
    const trust = trusting({ trusted: [root.certificate], revocations });
    expect(judge([server, middle], { trust })).toEqual([]);
  });
});
