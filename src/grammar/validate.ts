import { createRequire } from 'node:module';
import { isDeepStrictEqual } from 'node:util';
import { Script, createContext } from 'node:vm';
import type * as Ajv from 'ajv/dist/2020.js';
import type * as AjvFormats from 'ajv-formats';
import { PixtralError } from '../base/errors.ts';
import { rootOnly } from './keywords.ts';
import { type Json, isObject } from './schema.ts';
import { unicodePattern } from './unicode-pattern.ts';

// Loaded with the first schema: most commands have none, and it takes longer than all of our own modules.
const require = createRequire(import.meta.url);
const loadAjv = () => ({
  ...(require('ajv/dist/2020.js') as typeof Ajv),
  addFormats: (require('ajv-formats') as typeof AjvFormats.default).default,
});

/**
 * Compares a value with its schema, an object or `true`, independently of the grammar that it was written by.
 * Returns what is wrong, on one line.
 */
export function schemaValidator(document: Json): (value: Json) => string | undefined {
  const { Ajv2020, addFormats } = loadAjv();
  // strict would refuse what our own reader allows: types told by their keywords, lists of types.
  const ajv = new Ajv2020({
    strict: false,
    validateSchema: false,
    logger: false,
    ownProperties: true,
    multipleOfPrecision: 9,
    code: { regExp: boundedRegExp },
  });
  addFormats(ajv);
  // ajv's own comparison calls toString and valueOf, which a value may have as properties.
  ajv.removeKeyword('enum').removeKeyword('const');
  ajv.addKeyword({
    keyword: 'enum',
    validate: (values: Json[], value: Json) => values.some((one) => same(one, value)),
  });
  ajv.addKeyword({ keyword: 'const', validate: same });
  const validate = ajv.compile(isObject(document) ? withoutNames(document) : {});
  return (value) => (validate(value) ? undefined : ajv.errorsText(validate.errors, { dataVar: '#' }));
}

/** A pattern may try more ways than there are atoms; what the grammar wrote is checked in microseconds. */
const patternMilliseconds = 1000;

/** A regular expression that gives up: V8 ends it when the time of the script around it is over. */
function boundedRegExp(source: string, flags: string): { test: (text: string) => boolean; toString: () => string } {
  const pattern = new RegExp(unicodePattern(source), flags);
  let script: Script | undefined;
  const tried = { pattern, text: '' };
  return {
    // ajv keeps one for all that say the same
    toString: () => String(pattern),
    test(text) {
      tried.text = text;
      try {
        if (!script) createContext(tried);
        script ??= new Script('pattern.test(text)');
        return script.runInContext(tried, { timeout: patternMilliseconds }) as boolean;
      } catch (cause) {
        throw new PixtralError('input', `pattern ${source}: takes more than a second to be compared with an answer`, {
          hint: 'repetitions within repetitions, such as (a+)+, can be split in too many ways: write a+',
          cause,
        });
      }
    },
  };
}
boundedRegExp.code = 'new RegExp';

/** An address of its own would be looked up, and references are relative to it. */
function withoutNames(document: { [name: string]: Json }): object {
  return Object.fromEntries(Object.entries(document).filter(([keyword]) => !rootOnly.includes(keyword)));
}

/** As JSON: -0 is 0, the order of properties means nothing. */
function same(one: Json, other: Json): boolean {
  const [plain, otherPlain] = [one, other].map((value): unknown => JSON.parse(JSON.stringify(value)));
  return isDeepStrictEqual(plain, otherPlain);
}
