/** Which request to ask first where the answer to the next one could be taken for a late one. */
import { limits } from '../../../devices/limits.ts';
import type { ReadRequest } from './client.ts';

const OTHER_TABLE = { 1: 2, 2: 1, 3: 4, 4: 3 } as const;
const ADDRESSES = 65_536;

/**
 * Requests whose answers differ from that to `request` in function code or byte count, the most
 * likely to be answered with data first: a part of the same place, or a little more than it, and
 * then the same address of the neighbouring table, to which a device without it answers with an
 * exception. Any of these answers will do. `anyLength`: the request's answer has any byte count.
 */
export function otherRequests(request: ReadRequest, anyLength: boolean): ReadRequest[] {
  const { address, code, quantity } = request;
  const code2 = OTHER_TABLE[code];
  const isBits = code <= 2;
  // Bits are counted in bytes, so that eight make the difference.
  const step = isBits ? 8 : 1;
  const wider = quantity + step;
  const max = isBits ? limits.modbusBitsMax : limits.modbusWideRegistersMax;
  const others: ReadRequest[] = [];
  if (!anyLength && quantity > step) others.push({ ...request, quantity: quantity - step });
  if (!anyLength && wider <= max && address + wider <= ADDRESSES) {
    others.push({ ...request, quantity: wider });
  }
  others.push({ code: code2, width: 'standard', address, quantity: 1 });
  if (address + step < ADDRESSES) {
    others.push({ code: code2, width: 'standard', address, quantity: 1 + step });
  }
  return others;
}
