/**
 * What a linter cannot see, checked over the whole tree. The rules are functions over a list of
 * files (support/tidy/); unit/tidy.test.ts plants a violation of each and sees it found.
 */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { errorCatalogue } from '../devices/errors.ts';
import {
  checkChance,
  checkCommands,
  checkExamples,
  checkReadmes,
  checkSizes,
  checkUnfinished,
} from './support/tidy/file-rules.ts';
import {
  checkContracts,
  checkDependencies,
  checkImports,
  checkOwners,
  checkReached,
  checkRegistries,
} from './support/tidy/import-rules.ts';
import {
  checkErrorCodes,
  checkGlossary,
  checkLinks,
  readGlossary,
} from './support/tidy/text-rules.ts';
import { isCode, isSource, readTree, type Violation } from './support/tidy/tree.ts';

const everything = readTree(fileURLToPath(new URL('..', import.meta.url)));

// The proof of these rules is made of violations.
const files = everything.filter(({ path }) => path !== 'test/unit/tidy.test.ts');

/** Packages with more than one owner on a side, each with the reason. */
const sharedPackages = {};

/** Violations as text, one a line, so that a failure reads like a compiler's report. */
function told(violations: readonly Violation[]): string {
  return violations.map(({ path, message }) => `${path}: ${message}`).join('\n');
}

describe('the tree', () => {
  it('was read: a rule over no files proves nothing', () => {
    expect(files.filter(({ path }) => isSource(path)).length).toBeGreaterThanOrEqual(250);
    expect(files.filter(({ path }) => isCode(path)).length).toBeGreaterThanOrEqual(400);
    expect(files.filter(({ path }) => path.endsWith('.md')).length).toBeGreaterThanOrEqual(55);
    expect(Object.keys(errorCatalogue).length).toBeGreaterThanOrEqual(80);
  });

  it('has small files with telling names', () => {
    expect(told(checkSizes(files))).toBe('');
  });

  it('leaves nothing unfinished', () => {
    expect(told(checkUnfinished(files))).toBe('');
  });

  it('takes chance from the Random that is passed in', () => {
    expect(told(checkChance(files))).toBe('');
  });

  it('has a README in every folder', () => {
    expect(told(checkReadmes(files))).toBe('');
  });

  it('has commands that can be started by name, by the right Node', () => {
    expect(told(checkCommands(files))).toBe('');
  });

  it('has examples that name their schema', () => {
    expect(told(checkExamples(files))).toBe('');
  });
});

describe('imports', () => {
  it('follow the table of rooms and lead somewhere', () => {
    expect(told(checkImports(files))).toBe('');
  });

  it('of a contract never reach an implementation', () => {
    expect(told(checkContracts(files))).toBe('');
  });

  it('of registries are complete, and plug-ins leave their siblings alone', () => {
    expect(told(checkRegistries(files))).toBe('');
  });

  it('of a third-party package stand in one file a side', () => {
    expect(told(checkOwners(files, sharedPackages))).toBe('');
  });

  it('agree with the dependencies in package.json', () => {
    expect(told(checkDependencies(files))).toBe('');
  });

  it('reach every source file', () => {
    expect(told(checkReached(files))).toBe('');
  });
});

describe('words', () => {
  it('of the error catalogue, of the source and of the reference page agree', () => {
    const codes = Object.keys(errorCatalogue);
    const page = 'docs/reference/error-codes.md';
    expect(told(checkErrorCodes(files, codes, page))).toBe('');
  });

  it('that link to a file or name one lead to it', () => {
    expect(told(checkLinks(files))).toBe('');
  });

  it('of exported names are those of the glossary', () => {
    const page = files.find(({ path }) => path === 'docs/glossary.md')?.text ?? '';
    const glossary = readGlossary(page);
    expect(glossary.length).toBeGreaterThanOrEqual(20);
    expect(told(checkGlossary(files, glossary))).toBe('');
  });
});
