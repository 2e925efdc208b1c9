/** The kinds of value that VCDM 2.0 prescribes: URLs, times, texts in several languages. */

/** A JSON object from outside. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object, and neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects of a property that may have one or several; `undefined` when one is none. */
export function objectsOf(value: unknown): readonly JsonObject[] | undefined {
  const all = Array.isArray(value) ? value : [value];
  return all.length > 0 && all.every(isObject) ? all : undefined;
}

/** The texts of a property that may have one or several; `undefined` when one is none. */
export function textsOf(value: unknown): readonly string[] | undefined {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  return all.length > 0 && all.every((one) => typeof one === 'string') ? all : undefined;
}

/** RFC 3986 §3: a scheme, then no white space, controls or delimiters; every % begins an octet. */
const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:(?:[^\s%<>"{}|\\^`\p{Cc}]|%[0-9A-Fa-f]{2})+$/u;

/** Whether a value is an absolute URL (VCDM 2.0 §2 by the URL Standard, and RFC 3986). */
export function isUrl(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  // A data: URL carries a whole credential; what follows the comma is its reader's affair.
  if (value.startsWith('data:')) return isDataUrl(value);
  return ABSOLUTE.test(value) && URL.canParse(value);
}

/** Whether a value is a `data:` URL with something in it (RFC 2397). */
export function isDataUrl(value: unknown): value is string {
  if (typeof value !== 'string' || !value.startsWith('data:')) return false;
  // Each part is looked for once: one pattern for all of them would try every semicolon anew.
  const comma = value.indexOf(',');
  if (comma < 0 || comma === value.length - 1) return false;
  const [media = ''] = value.slice(0, comma).split(';', 1);
  return !media.includes('"') && !/\s/.test(value);
}

/** XML Schema 1.1 §3.3.7 `dateTimeStamp`: a dateTime whose zone must be there. */
const STAMP =
  /^(-?)([1-9]\d{3,}|0\d{3})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?|24:00:00(?:\.0+)?)(Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))$/;

/** A `dateTimeStamp` taken apart, so that two of them can be compared however exact they are. */
export interface DateTimeStamp {
  /** Seconds since 1970-01-01T00:00:00Z, rounded down. */
  readonly seconds: bigint;
  /** Digits of the fraction of the second, without zeros at the end. */
  readonly fraction: string;
}

/** The moment of an XSD 1.1 `dateTimeStamp`, or `undefined` when the value is not one. */
export function readDateTimeStamp(value: unknown): DateTimeStamp | undefined {
  const found = typeof value === 'string' ? STAMP.exec(value) : null;
  // A year of more digits than anybody means would only make the arithmetic slow.
  if (!found || (found[2] ?? '').length > YEAR_DIGITS_MAX) return undefined;
  const [, sign = '', yearText = '', month = '', day = '', clock = '', zone = ''] = found;
  const year = BigInt(`${sign}${yearText}`);
  if (Number(day) > daysOf(year, Number(month))) return undefined;
  const [time = '', fraction = ''] = clock.split('.');
  const [hours = 0, minutes = 0, seconds = 0] = time.split(':').map(Number);
  const days = daysBefore(year, Number(month)) + BigInt(Number(day) - 1);
  const local = days * 86_400n + BigInt(hours * 3600 + minutes * 60 + seconds);
  return { seconds: local - offsetSeconds(zone), fraction: withoutZeros(fraction) };
}

const YEAR_DIGITS_MAX = 12;

/** A pattern for zeros at the end would begin anew at each zero before another digit. */
function withoutZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1;
  return digits.slice(0, end);
}

/** Whether the first moment is later than the second. */
export function isLater(one: DateTimeStamp, other: DateTimeStamp): boolean {
  if (one.seconds !== other.seconds) return one.seconds > other.seconds;
  // Digits after the point compare like text, since both begin at the tenths.
  return one.fraction > other.fraction;
}

function offsetSeconds(zone: string): bigint {
  if (zone === 'Z') return 0n;
  const [hours = 0, minutes = 0] = zone.slice(1).split(':').map(Number);
  const seconds = BigInt(hours * 3600 + minutes * 60);
  return zone.startsWith('-') ? -seconds : seconds;
}

function isLeap(year: bigint): boolean {
  return (year % 4n === 0n && year % 100n !== 0n) || year % 400n === 0n;
}

function daysOf(year: bigint, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Days from 1970-01-01 to the first of a month (proleptic Gregorian calendar, XSD 1.1 §E.3). */
function daysBefore(year: bigint, month: number): bigint {
  const past = year - 1n;
  const floor = (by: bigint): bigint => (past >= 0n ? past / by : -((by - 1n - past) / by));
  const yearDays = past * 365n + floor(4n) - floor(100n) + floor(400n);
  let days = yearDays - 719_162n;
  for (let before = 1; before < month; before += 1) days += BigInt(daysOf(year, before));
  return days;
}

/** RFC 5646 §2.2.9 as far as it can be seen without the registry: subtags of 1 to 8 characters. */
const LANGUAGE_TAG = /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*$/;

/** Whether a value is a language value object (VCDM 2.0 §11.1). */
function isLanguageValue(value: unknown): boolean {
  if (!isObject(value) || typeof value['@value'] !== 'string') return false;
  const { '@language': language, '@direction': direction } = value;
  if (language !== undefined && !(typeof language === 'string' && LANGUAGE_TAG.test(language))) {
    return false;
  }
  if (direction !== undefined && direction !== 'ltr' && direction !== 'rtl') return false;
  return Object.keys(value).every((key) => LANGUAGE_KEYS.includes(key));
}

const LANGUAGE_KEYS = ['@value', '@language', '@direction'];

/** Whether a value may be a `name` or `description` (VCDM 2.0 §4.6, §11.1). */
export function isLanguageText(value: unknown): boolean {
  if (typeof value === 'string') return true;
  return Array.isArray(value)
    ? value.length > 0 && value.every(isLanguageValue)
    : isLanguageValue(value);
}
