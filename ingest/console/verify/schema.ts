/**
 * `devices/schema.ts` for the browser. The page's content security policy forbids code that is made
 * while it runs, which is how Ajv works; so the build has made the checkers of the same schemas
 * ahead (checkers.mjs), and here each is found by the digest of its schema.
 */

import { type Static, type TSchema, Type } from 'typebox';
import { checkers } from './checkers.mjs';
import { hash } from './node-crypto.ts';

export { type Static, type TSchema, Type };

export type Checker<T> = (value: unknown) => value is T;

/** The checker that the build made of this schema; found when it is first used. */
export function compileChecker<S extends TSchema>(schema: S): Checker<Static<S>> {
  let check: ((value: unknown) => boolean) | undefined;
  return (value): value is Static<S> => {
    check ??= checkers[hash('sha256', JSON.stringify(schema), 'base64url')];
    if (!check) throw new Error('the build knows no checker of this schema');
    return check(value);
  };
}
