import { createRequire } from 'node:module';
import type * as Ajv from 'ajv';

// Loaded with the first tool: most commands have none.
const require = createRequire(import.meta.url);

/** What is wrong with a JSON Schema of draft 7, the one in which parameters of tools are written; on one line. */
export function draft7Problem(schema: unknown): string | undefined {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return 'is no object';
  const { Ajv: Draft7 } = require('ajv') as typeof Ajv;
  const ajv = new Draft7({ strict: false, validateFormats: false, logger: false });
  const { $schema: _, ...withoutDialect } = schema as Record<string, unknown>;
  const valid = ajv.validateSchema(withoutDialect);
  return valid === true ? undefined : ajv.errorsText(ajv.errors, { dataVar: '#' });
}
