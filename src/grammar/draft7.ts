import { createRequire } from 'node:module';
import type * as Ajv from 'ajv';

const require = createRequire(import.meta.url);
let draft7: Ajv.Ajv | undefined;

/** Made with the first tool: most commands have none. */
function validator(): Ajv.Ajv {
  draft7 ??= new (require('ajv') as typeof Ajv).Ajv({ strict: false, validateFormats: false, logger: false });
  return draft7;
}

/** What is wrong with a JSON Schema of draft 7, the one in which parameters of tools are written; on one line. */
export function draft7Problem(schema: unknown): string | undefined {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return 'is no object';
  const ajv = validator();
  const { $schema: _, ...withoutDialect } = schema as Record<string, unknown>;
  const valid = ajv.validateSchema(withoutDialect);
  return valid === true ? undefined : ajv.errorsText(ajv.errors, { dataVar: '#' });
}
