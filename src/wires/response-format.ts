import { PixtralError } from '../base/errors.ts';
import { type ExactJson, writeExactJson } from '../base/exact-json.ts';
import { type AnswerFormat, jsonObjectFormat, schemaFormat } from '../grammar/answer-format.ts';
import type { FormatMemo } from './format-memo.ts';
import { asRecord, wrong } from './fields.ts';
import { shortSchemaField } from './short-schema-field.ts';

interface ResponsePlace {
  where: string;
  /** A part of the value as it was written. */
  exact: (path: readonly string[]) => ExactJson | undefined;
  formats: FormatMemo;
}

/**
 * `response_format` of OpenAI's API; undefined for free text.
 * @throws PixtralError `input` naming what is wrong, or is a field that would be passed over
 */
export function responseFormat(value: unknown, { where, exact, formats }: ResponsePlace): AnswerFormat | undefined {
  const { type, ...others } = asRecord(value, where);
  switch (type) {
    case 'text':
      refuseOthers(others, { known: [], where });
      return undefined;
    case 'json_object':
      refuseOthers(others, { known: [], where });
      return formats('json object', jsonObjectFormat);
    case 'json_schema':
      refuseOthers(others, { known: ['json_schema'], where });
      return namedSchema(others['json_schema'], { where: `${where}.json_schema`, exact, formats });
    default:
      throw wrong(`${where}.type`, type, '"text", "json_object" or "json_schema"');
  }
}

/** Its name and description are for people; answers keep to it with and without `strict`. */
function namedSchema(value: unknown, { where, exact, formats }: ResponsePlace): AnswerFormat {
  const { schema, ...others } = asRecord(value, where);
  refuseOthers(others, { known: ['name', 'description', 'strict'], where });
  const text = schemaText(schema, { where: `${where}.schema`, exact });
  return formats(`schema ${text}`, () => schemaFormat(text, `${where}.schema`));
}

/** As JSON; a text is its short form. */
function schemaText(schema: unknown, { where, exact }: Pick<ResponsePlace, 'where' | 'exact'>): string {
  if (typeof schema === 'string') return JSON.stringify(shortSchemaField(schema, where));
  asRecord(schema, where);
  const written = exact(['json_schema', 'schema']);
  return written ? writeExactJson(written) : JSON.stringify(schema);
}

function refuseOthers(
  record: Readonly<Record<string, unknown>>,
  { known, where }: { known: readonly string[]; where: string },
): void {
  const other = Object.keys(record).find((name) => !known.includes(name) && record[name] !== null);
  if (other !== undefined) throw new PixtralError('input', `${where}.${other} is not supported`);
}
