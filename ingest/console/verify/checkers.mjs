/**
 * Prints a module with a checker for each schema that the verification uses, made ahead by Ajv with
 * the very options of devices/schema.ts. The schemas are those that the modules ask a checker for
 * while they are loaded: devices/schema.ts is replaced by one that remembers them.
 */
import { createHash } from 'node:crypto';
import { registerHooks } from 'node:module';
import { Ajv } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';

const devices = new URL('../../../devices/', import.meta.url).href;
const schemas = [];
globalThis.rememberSchema = (schema) => schemas.push(schema);

registerHooks({
  load(url, context, next) {
    if (url !== `${devices}schema.ts`) return next(url, context);
    const source = `export { Type } from 'typebox';
      export const compileChecker = (schema) => { globalThis.rememberSchema(schema); };`;
    return { format: 'module', source, shortCircuit: true };
  },
});
await import(`${devices}credential/verify.ts`);

const code = { source: true, esm: true, optimize: 1 };
const bare = { messages: false, code };
const ajv = new Ajv({ allErrors: false, strict: false, validateFormats: false, ...bare });
const keys = new Map();
for (const schema of schemas) {
  const text = JSON.stringify(schema);
  const key = createHash('sha256').update(text).digest('base64url');
  if (keys.has(key)) continue;
  keys.set(key, `check${keys.size}`);
  ajv.addSchema(JSON.parse(text), keys.get(key));
}
const names = [...keys.values()];
const made = standalone.default(ajv, Object.fromEntries(names.map((name) => [name, name])));

// Ajv asks for its few run-time parts with `require`, which a browser does not have.
const parts = [];
const body = made.replaceAll(/require\("(ajv\/dist\/runtime\/\w+)"\)\.default/g, (_, path) => {
  parts.push(`import part${parts.length} from '${path}.js';`);
  return `(part${parts.length - 1}.default ?? part${parts.length - 1})`;
});
const table = [...keys].map(([key, name]) => `${JSON.stringify(key)}: ${name}`);
process.stdout.write(
  `${parts.join('\n')}\n${body}\nexport const checkers = { ${table.join(', ')} };\n`,
);
