/**
 * The console may import nothing of the API, so it says in `wire.ts` what it expects. The compiler
 * holds that against what the API says: each of these fails to compile once the two differ.
 */
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Doubts as ApiDoubts } from '../../../../ingest/api-doubts.ts';
import type { Papers as ApiPapers } from '../../../../ingest/api-papers.ts';
import type { Proof as ApiProof } from '../../../../ingest/api-proof.ts';
import type * as wire from '../../../../ingest/console/wire.ts';
import type { HeldDevice as ApiHeldDevice } from '../../../../ingest/held.ts';
import type { Twin as ApiTwin } from '../../../../ingest/twin.ts';

/** Links of a proof that both say in the same words; the API is wider in those of readings. */
type Links = 'paper' | 'credential' | 'enrolment' | 'organisation' | 'ok';

describe('what the console expects of the API', () => {
  it('is what the API says', () => {
    expectTypeOf<ApiTwin>().toExtend<wire.Twin>();
    expectTypeOf<ApiDoubts>().toExtend<wire.Doubts>();
    expectTypeOf<ApiPapers>().toExtend<wire.Papers>();
    expectTypeOf<ApiHeldDevice>().toExtend<wire.HeldDevice>();
    expectTypeOf<Pick<ApiProof, Links>>().toExtend<Pick<wire.Proof, Links>>();
    expect.assertions(0);
  });
});
