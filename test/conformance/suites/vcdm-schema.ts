/**
 * w3c/vc-data-model:schema: the example documents validate with the schemas beside them and pass
 * our data model; without what the schema requires, both refuse them.
 */
import { checkDataModel } from '../../../devices/credential/vcdm.ts';
import type { JsonObject } from '../../../devices/credential/vcdm-values.ts';
import { expect, type Suite, theCase } from '../case.ts';
import { folderOf } from '../vectors.ts';
import { checkerOf } from './schemas.ts';

export const vcdmSchemaSuite: Suite = {
  name: 'VCDM 2.0 schemas',
  folder: 'w3c-vcdm2-schema',
  cases: (vectors) => {
    const schemas = new Map(
      vectors
        .files(/-schema\.json$/)
        .map((file) => [folderOf(file), vectors.json<JsonObject>(file)]),
    );
    const urls = new Map([...schemas.values()].map((schema) => [String(schema['$id']), schema]));
    return vectors.files(/example[^/]*\.json$/).map((file) =>
      theCase(file, () => {
        const folder = folderOf(file);
        const schema = schemas.get(folder);
        expect(schema !== undefined, 'there is no schema beside it');
        const others = new Map([...urls].filter(([, other]) => other !== schema));
        const check = checkerOf(schema, others);
        const kind = folder.includes('presentation') ? 'presentation' : 'credential';
        const example = vectors.json<JsonObject>(file);
        const mistake = check(example);
        expect(mistake === undefined, `the schema refuses it: ${mistake}`);
        const refusal = checkDataModel(example, kind);
        expect(refusal === undefined, `our data model refuses it: ${refusal?.reason}`);
        const { type: _, ...untyped } = example;
        expect(check(untyped) !== undefined, 'the schema takes it without a type');
        expect(checkDataModel(untyped, kind) !== undefined, 'we take it without a type');
      }),
    );
  },
};
