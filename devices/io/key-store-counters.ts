/**
 * Places on a PKCS#11 token, each a data object (CKO_DATA) beside the key of its label: private,
 * so that the PIN is needed, and modifiable. A token that holds no data objects keeps none.
 */
import { strict as assert } from 'node:assert';
import { EdgeError } from '../errors.ts';
import type { CountedPlace, CountedStep, KeyCounters } from './key-store.ts';
import { codeOf, type Handle } from './pkcs11-library.ts';
import type { TokenCall, TokenSession } from './pkcs11-session.ts';

/** CKA_APPLICATION of our objects. */
const APPLICATION = 'bondline:counter:1';

/** `EPOCH`, or `EPOCH/SEQUENCE`; what is greater than all that is counted to has more digits. */
const PATTERN = /^(\d{1,16})(?:\/(\d{1,16}))?$/;

const NOWHERE: CountedPlace = { epoch: 0, sequence: 0 };

export function tokenCounters(token: TokenSession): KeyCounters {
  return {
    read: (label) =>
      token.call(`reading the counter "${label}" on the token`, (call) => {
        const places = findAll(call, label).map((handle) => placeIn(call, handle));
        if (places.length > 0) return highestOf(places);
        return canKeep(call) ? NOWHERE : undefined;
      }),
    raise: (label, epoch) =>
      token.call(`raising the counter "${label}" on the token`, (call) => {
        const before = findAll(call, label);
        // The new one is there before the old ones go: a cut between the two leaves the higher.
        create(call, label, String(epoch));
        for (const handle of before) call.api.C_DestroyObject(call.session, handle);
      }),
    advance(label, step) {
      const what = `counting with "${label}" on the token`;
      let isMade = false;
      return token.call(what, (call) => {
        // A session that was lost runs this again: what it made then is not another's.
        if (isMade) throw new EdgeError('KEY_TOKEN_FAILED', `${what}: it was cut short`);
        const making = () => {
          isMade = true;
        };
        return advance(call, label, { ...step, making });
      });
    },
  };
}

/**
 * Tokens have no step that compares and writes at once. So each makes its object first, looks who
 * else made one second, and takes what was there away last, only when it was alone: of two who go
 * on from one place, the one who looks later sees the object of the other, or a higher one.
 */
function advance(
  call: TokenCall,
  label: string,
  { from, making, to }: CountedStep & { readonly making: () => void },
): boolean {
  assert(compare(from, to) < 0, 'a counter only rises');
  const handles = findAll(call, label);
  const before = handles.map((handle) => placeIn(call, handle));
  if (compare(highestOf(before), from) !== 0) return false;
  making();
  create(call, label, textOf(to));
  const after = findAll(call, label).map((handle) => placeIn(call, handle));
  if (sorted(after) !== sorted([...before, to])) return false;
  for (const handle of handles) call.api.C_DestroyObject(call.session, handle);
  return true;
}

function highestOf(places: readonly CountedPlace[]): CountedPlace {
  return places.reduce((high, one) => (compare(one, high) > 0 ? one : high), NOWHERE);
}

function compare(a: CountedPlace, b: CountedPlace): number {
  return a.epoch - b.epoch || a.sequence - b.sequence;
}

function sorted(places: readonly CountedPlace[]): string {
  return places.map(textOf).sort().join();
}

function textOf({ epoch, sequence }: CountedPlace): string {
  return `${epoch}/${sequence}`;
}

/** Whether the token holds data objects: it makes one and takes it away again. */
function canKeep(call: TokenCall): boolean {
  try {
    call.api.C_DestroyObject(call.session, create(call, 'bondline-probe', '0'));
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

function create({ api, constants, session }: TokenCall, label: string, text: string): Handle {
  return api.C_CreateObject(session, [
    { type: constants.CKA_CLASS, value: constants.CKO_DATA },
    { type: constants.CKA_TOKEN, value: true },
    { type: constants.CKA_PRIVATE, value: true },
    { type: constants.CKA_MODIFIABLE, value: true },
    { type: constants.CKA_APPLICATION, value: APPLICATION },
    { type: constants.CKA_LABEL, value: label },
    { type: constants.CKA_VALUE, value: Buffer.from(text) },
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

/** What we wrote, and nothing else is believed. */
function placeIn({ api, constants, session }: TokenCall, handle: Handle): CountedPlace {
  const [attribute] = api.C_GetAttributeValue(session, handle, [{ type: constants.CKA_VALUE }]);
  const text = Buffer.isBuffer(attribute?.value) ? attribute.value.toString('latin1') : '';
  const [, epoch = '0', sequence = '0'] = PATTERN.exec(text) ?? [];
  return { epoch: Number(epoch), sequence: Number(sequence) };
}
