/** Finds the text of a plant in a module, whether that is as it is written or as it is built. */

/** What stands around each place of `find`; the compiler breaks lines where we do not. */
export function partsAround(text: string, find: string): string[] {
  const words = find.trim().split(/\s+/);
  const literal = words.map((word) => word.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return text.split(new RegExp(literal.join('\\s+')));
}
