/** `node:assert` for the browser, as far as the verification uses it. */

/** @throws Error with the message when the value is falsy */
function strictAssert(value: unknown, message?: string): asserts value {
  if (!value) throw new Error(message ?? 'an assertion does not hold');
}

export const strict: typeof strictAssert & { fail(message?: string): never } = Object.assign(
  strictAssert,
  {
    fail(message?: string): never {
      throw new Error(message ?? 'an assertion does not hold');
    },
  },
);
