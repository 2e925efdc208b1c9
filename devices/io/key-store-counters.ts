/**
 * Numbers on a PKCS#11 token, each a data object (CKO_DATA) beside the key of its label: private,
 * so that the PIN is needed, and modifiable. A token that holds no data objects keeps none.
 */
import type { KeyCounters } from './key-store.ts';
import { codeOf, type Handle } from './pkcs11-library.ts';
import type { TokenCall, TokenSession } from './pkcs11-session.ts';

/** CKA_APPLICATION of our objects. */
const APPLICATION = 'bondline:counter:1';

/** A number that is greater than any that is counted to has more digits than this. */
const DIGITS_MAX = 16;

export function tokenCounters(token: TokenSession): KeyCounters {
  return {
    read: (label) =>
      token.call(`reading the counter "${label}" on the token`, (call) => {
        const numbers = findAll(call, label).map((handle) => numberIn(call, handle));
        if (numbers.length > 0) return Math.max(...numbers);
        return canKeep(call) ? 0 : undefined;
      }),
    raise: (label, to) =>
      token.call(`raising the counter "${label}" on the token`, (call) => {
        const before = findAll(call, label);
        // The new one is there before the old ones go: a cut between the two leaves the higher.
        create(call, label, to);
        for (const handle of before) call.api.C_DestroyObject(call.session, handle);
      }),
  };
}

/** Whether the token holds data objects: it makes one and takes it away again. */
function canKeep(call: TokenCall): boolean {
  try {
    call.api.C_DestroyObject(call.session, create(call, 'bondline-probe', 0));
    return true;
  } catch (error) {
    const { constants } = call;
    const unfit = [
      constants.CKR_ATTRIBUTE_TYPE_INVALID,
      constants.CKR_ATTRIBUTE_VALUE_INVALID,
      constants.CKR_FUNCTION_NOT_SUPPORTED,
      constants.CKR_TEMPLATE_INCONSISTENT,
      constants.CKR_TEMPLATE_INCOMPLETE,
    ];
    if (unfit.includes(codeOf(error) ?? -1)) return false;
    throw error;
  }
}

function create({ api, constants, session }: TokenCall, label: string, value: number): Handle {
  return api.C_CreateObject(session, [
    { type: constants.CKA_CLASS, value: constants.CKO_DATA },
    { type: constants.CKA_TOKEN, value: true },
    { type: constants.CKA_PRIVATE, value: true },
    { type: constants.CKA_MODIFIABLE, value: true },
    { type: constants.CKA_APPLICATION, value: APPLICATION },
    { type: constants.CKA_LABEL, value: label },
    { type: constants.CKA_VALUE, value: Buffer.from(String(value)) },
  ]);
}

function findAll({ api, constants, session }: TokenCall, label: string): Handle[] {
  api.C_FindObjectsInit(session, [
    { type: constants.CKA_CLASS, value: constants.CKO_DATA },
    { type: constants.CKA_APPLICATION, value: APPLICATION },
    { type: constants.CKA_LABEL, value: label },
  ]);
  const found: Handle[] = [];
  try {
    for (let more = api.C_FindObjects(session, 16); more.length > 0; ) {
      found.push(...more);
      more = api.C_FindObjects(session, 16);
    }
  } finally {
    api.C_FindObjectsFinal(session);
  }
  return found;
}

/** What we wrote: digits, and nothing else is believed. */
function numberIn({ api, constants, session }: TokenCall, handle: Handle): number {
  const [attribute] = api.C_GetAttributeValue(session, handle, [{ type: constants.CKA_VALUE }]);
  const text = Buffer.isBuffer(attribute?.value) ? attribute.value.toString('latin1') : '';
  return /^\d+$/.test(text) && text.length <= DIGITS_MAX ? Number(text) : 0;
}
