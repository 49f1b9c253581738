import { resolve } from 'node:path';
import { PixtralError } from '../../base/errors.ts';
import { type ExactJson, writeExactJson } from '../../base/exact-json.ts';
import { logprobsRange } from '../../asking/sampling-ranges.ts';
import {
  type AnswerFormat,
  choicesFormat,
  differentChoices,
  grammarFormat,
  jsonObjectFormat,
  schemaFormat,
} from '../../grammar/answer-format.ts';
import { looksShort } from '../../grammar/short-schema.ts';
import { exactPart, numberField, textList, wrong } from '../../wires/fields.ts';
import type { FormatMemo } from '../../wires/format-memo.ts';
import { checkStop } from '../../wires/openai-form.ts';
import { responseFormat } from '../../wires/response-format.ts';
import { shortSchemaField } from '../../wires/short-schema-field.ts';
import { readFormatFile } from '../format-options.ts';
import type { CommonQuestion, RecordLine } from './entry.ts';

type Options = CommonQuestion['options'];
type Common = Pick<CommonQuestion, 'options' | 'formats'>;

interface FormPlace {
  where: string;
  /** Where paths begin. */
  folder: string;
  formats: FormatMemo;
  /** A part of the field as it was written. */
  exact: (path: readonly string[]) => ExactJson | undefined;
}

/** Fields of a record that say what its answer must be; undefined is free text. */
const forms = {
  schema: recordSchema,
  json_object: jsonObject,
  grammar: recordGrammar,
  choices: recordChoices,
  response_format: responseFormat,
} satisfies Record<string, (value: unknown, place: FormPlace) => Promise<Options['format']> | Options['format']>;
type FormName = keyof typeof forms;

/**
 * The options with the form that a record asks for; without one of its own the command line's stays.
 * @throws PixtralError `input` naming the field, and the keyword of a schema
 */
export async function plainForm(line: RecordLine, { options, formats }: Common): Promise<Options> {
  const given = (Object.keys(forms) as FormName[]).filter((name) => isGiven(line.record[name]));
  if (given.length > 1) {
    throw new PixtralError(
      'input',
      `${line.where}: ${given[0]} and ${given[1]}: each says what the answer must be, expected one of them`,
    );
  }
  const logprobs = line.record['logprobs'] ?? undefined;
  return checkStop(line.where, {
    ...options,
    ...(given[0] !== undefined && { format: await formOf(given[0], line, formats) }),
    ...(logprobs !== undefined && { logprobs: numberField(logprobs, `${line.where}: logprobs`, logprobsRange) }),
  });
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false;
}

async function formOf(name: FormName, line: RecordLine, formats: FormatMemo): Promise<Options['format']> {
  const { where, folder, record } = line;
  const exact = (path: readonly string[]) => exactPart(line, [name, ...path]);
  return forms[name](record[name], { where: `${where}: ${name}`, folder, formats, exact });
}

async function recordSchema(value: unknown, { where, folder, formats, exact }: FormPlace): Promise<AnswerFormat> {
  if (typeof value === 'string' && looksShort(value)) {
    const text = JSON.stringify(shortSchemaField(value, where));
    return formats(`schema ${text}`, () => schemaFormat(text, where));
  }
  if (typeof value === 'string') {
    const text = await readRecordFile(value, { where, folder });
    return formats(`schema ${text}`, () => schemaFormat(text, `${where}: ${value}`));
  }
  if (typeof value !== 'object') throw wrong(where, value, 'a JSON Schema or the path of one');
  const written = exact([]);
  const text = written ? writeExactJson(written) : JSON.stringify(value);
  return formats(`schema ${text}`, () => schemaFormat(text, where));
}

async function readRecordFile(path: string, { where, folder }: { where: string; folder: string }): Promise<string> {
  try {
    return await readFormatFile(resolve(folder, path), { what: 'a JSON Schema', pipes: false });
  } catch (thrown) {
    if (!(thrown instanceof PixtralError)) throw thrown;
    throw new PixtralError(thrown.code, `${where}: ${thrown.message}`, { cause: thrown });
  }
}

function jsonObject(value: unknown, { where, formats }: FormPlace): AnswerFormat {
  if (value !== true) throw wrong(where, value, 'true or false');
  return formats('json object', jsonObjectFormat);
}

function recordGrammar(value: unknown, { where, formats }: FormPlace): AnswerFormat {
  if (typeof value !== 'string') throw wrong(where, value, 'the text of a grammar');
  return formats(`grammar ${value}`, () => grammarFormat(value, where));
}

function recordChoices(value: unknown, { where }: FormPlace): AnswerFormat {
  const choices = Array.isArray(value) ? differentChoices(textList(value, where)) : undefined;
  if (!choices) throw wrong(where, value, 'a list of at least two texts that are not empty');
  return choicesFormat(choices);
}
