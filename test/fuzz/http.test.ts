/** 5,000 inputs for each parser of this group. */
import { describe } from 'vitest';
import { itWithstands } from './withstand.ts';

describe('parsers, HTTP', () => {
  itWithstands('http');
});
