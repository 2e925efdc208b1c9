/** What the system's codes of a connection that failed mean, for an operator. */

const WORDS: Readonly<Record<string, (who: string) => string>> = {
  ECONNREFUSED: (who) => `nobody listens at the address of ${who}`,
  ENOTFOUND: (who) => `the name of ${who} is not known`,
  EAI_AGAIN: (who) => `the name of ${who} cannot be looked up now`,
  EHOSTUNREACH: (who) => `there is no way to ${who}`,
  ENETUNREACH: () => 'this machine has no network there',
  ETIMEDOUT: (who) => `${who} does not answer`,
  ECONNRESET: (who) => `${who} broke the connection`,
  EPIPE: (who) => `${who} broke the connection`,
};

/** A sentence with the code at its end, or `undefined` where there is none; `who`: `the broker`. */
export function networkWords(code: string, who: string): string | undefined {
  const words = Object.hasOwn(WORDS, code) ? WORDS[code] : undefined;
  return words && `${words(who)} (${code})`;
}
