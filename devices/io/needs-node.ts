/**
 * Ends a command in one line when the running Node is too old for it. Every `cli.ts` imports this
 * file first: modules run in the order of their imports, so nothing else has run by then, and in
 * particular better-sqlite3, which crashes an old Node without a word.
 */

/** The oldest Node that works, as `engines` in package.json says it. */
const needed = { major: 22, minor: 13 };

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < needed.major || (major === needed.major && minor < needed.minor)) {
  process.stderr.write(
    `Bondline needs Node ${needed.major}.${needed.minor} or later and this is ` +
      `${process.versions.node}; in a clone, npm start brings the right one.\n`,
  );
  process.exit(1);
}
