/**
 * Container numbers after ISO 6346: owner code, equipment category, serial number, check digit.
 */

const FORM = /^[A-Z]{3}[UJZ]\d{7}$/;

/**
 * Values of the letters: A is 10, and the multiples of 11 (11, 22, 33) are skipped, so that no
 * value vanishes modulo 11 (ISO 6346 annex A).
 */
const LETTER_VALUES: ReadonlyMap<string, number> = letterValues();

function letterValues(): Map<string, number> {
  const values = new Map<string, number>();
  let value = 10;
  for (const letter of 'ABCDEFGHIJKLMNOPQRSTUVWXYZ') {
    if (value % 11 === 0) value += 1;
    values.set(letter, value);
    value += 1;
  }
  return values;
}

/**
 * The check digit of the first ten characters of a container number: the sum of value times
 * 2^position (from 0), modulo 11, modulo 10. Returns `undefined` when the text is not four
 * letters and six digits.
 */
export function containerCheckDigit(firstTen: string): number | undefined {
  if (!/^[A-Z]{4}\d{6}$/.test(firstTen)) return undefined;
  let sum = 0;
  for (let index = 0; index < 10; index += 1) {
    const character = firstTen.charAt(index);
    sum += (LETTER_VALUES.get(character) ?? Number(character)) * 2 ** index;
  }
  return (sum % 11) % 10;
}

/** Whether the text has the form of a container number and its check digit is right. */
export function isContainerNumber(text: string): boolean {
  return FORM.test(text) && containerCheckDigit(text.slice(0, 10)) === Number(text.charAt(10));
}
