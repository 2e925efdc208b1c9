/**
 * The one place that knows the packages of the wallet's agent (the Sphereon SSI SDK and the Veramo
 * core below it). They are heavy and optional, so nothing of them is loaded before something is
 * signed, presented or verified; everything else imports their types from here.
 */
import type * as jwkProvider from '@sphereon/ssi-sdk-ext.did-provider-jwk';
import type * as keyProvider from '@sphereon/ssi-sdk-ext.did-provider-key';
import type * as jwkResolver from '@sphereon/ssi-sdk-ext.did-resolver-jwk';
import type * as identifiers from '@sphereon/ssi-sdk-ext.identifier-resolution';
import type * as jwt from '@sphereon/ssi-sdk-ext.jwt-service';
import type * as keyManager from '@sphereon/ssi-sdk-ext.key-manager';
import type * as types from '@sphereon/ssi-types';
import type * as core from '@veramo/core';
import type * as didManager from '@veramo/did-manager';
import type * as webProvider from '@veramo/did-provider-web';
import type * as didResolver from '@veramo/did-resolver';
import type * as resolver from 'did-resolver';
import { EdgeError } from '../../errors.ts';

/** The methods that our agent has. */
export type Agent = core.TAgent<
  keyManager.ISphereonKeyManager & core.IDIDManager & core.IResolver & jwt.IJwtService
>;
/** What a key manager knows of a key; no private part of ours is ever in it. */
export type ManagedKey = core.ManagedKeyInfo;
export type KeyManagementSystem = keyManager.AbstractKeyManagementSystem;
export type Jwk = types.JWK;
export type DidKeyResolver = { readonly key: resolver.DIDResolver };
export type DidResolution = resolver.DIDResolutionResult;

/** What the wallet uses of the packages. */
export type AgentLibrary = Pick<typeof core, 'createAgent'> &
  Pick<typeof keyManager, 'AbstractKeyManagementSystem' | 'MemoryKeyStore' | 'SphereonKeyManager'> &
  Pick<typeof didManager, 'DIDManager' | 'MemoryDIDStore'> &
  Pick<typeof didResolver, 'DIDResolverPlugin'> &
  Pick<typeof jwt, 'JwtService'> &
  Pick<typeof identifiers, 'IdentifierResolution'> &
  Pick<typeof jwkProvider, 'JwkDIDProvider'> &
  Pick<typeof keyProvider, 'SphereonKeyDidProvider'> &
  Pick<typeof webProvider, 'WebDIDProvider'> &
  Pick<typeof resolver, 'Resolver'> & {
    readonly getDidJwkResolver: typeof jwkResolver.getDidJwkResolver;
    readonly getDidKeyResolver: () => DidKeyResolver;
  };

/**
 * Loads the packages, which takes one to three seconds; the second call gets the same modules.
 *
 * @throws EdgeError WALLET_PACKAGE_MISSING when they are not installed.
 */
export async function loadAgentLibrary(): Promise<AgentLibrary> {
  try {
    return await load();
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) {
      throw cause;
    }
    throw new EdgeError('WALLET_PACKAGE_MISSING', 'loading the agent of the wallet', { cause });
  }
}

async function load(): Promise<AgentLibrary> {
  const [
    { createAgent },
    { AbstractKeyManagementSystem, MemoryKeyStore, SphereonKeyManager },
    { DIDManager, MemoryDIDStore },
    { DIDResolverPlugin },
    { JwtService },
    { IdentifierResolution },
    { JwkDIDProvider },
    { SphereonKeyDidProvider },
    { WebDIDProvider },
    { Resolver },
    { getDidJwkResolver },
    { getResolver },
  ] = await Promise.all([
    import('@veramo/core'),
    import('@sphereon/ssi-sdk-ext.key-manager'),
    import('@veramo/did-manager'),
    import('@veramo/did-resolver'),
    import('@sphereon/ssi-sdk-ext.jwt-service'),
    import('@sphereon/ssi-sdk-ext.identifier-resolution'),
    import('@sphereon/ssi-sdk-ext.did-provider-jwk'),
    import('@sphereon/ssi-sdk-ext.did-provider-key'),
    import('@veramo/did-provider-web'),
    import('did-resolver'),
    import('@sphereon/ssi-sdk-ext.did-resolver-jwk'),
    import('@sphereon/ssi-sdk-ext.did-resolver-key'),
  ]);
  const { key } = getResolver();
  if (!key) throw new Error('the package of did:key resolves no did:key');
  return {
    ...{ createAgent, AbstractKeyManagementSystem, MemoryKeyStore, SphereonKeyManager },
    ...{ DIDManager, MemoryDIDStore, DIDResolverPlugin, JwtService, IdentifierResolution },
    ...{ JwkDIDProvider, SphereonKeyDidProvider, WebDIDProvider, Resolver },
    ...{ getDidJwkResolver, getDidKeyResolver: () => ({ key }) },
  };
}
