import { resolve } from 'node:path';
import { PixtralError } from '../../base/errors.ts';
import {
  type AnswerFormat,
  choicesFormat,
  differentChoices,
  grammarFormat,
  jsonObjectFormat,
  schemaFormat,
} from '../../grammar/answer-format.ts';
import { readFormatFile } from '../format-options.ts';
import { logprobsRange } from '../options.ts';
import type { CommonQuestion } from './entry.ts';
import type { FormatMemo } from './format-memo.ts';
import { type Fields, type RecordLine, numberField, textList, wrong } from './record-fields.ts';
import { responseFormat } from './response-format.ts';

type Options = CommonQuestion['options'];
type Common = Pick<CommonQuestion, 'options' | 'formats'>;

interface FormPlace {
  where: string;
  /** Where paths begin. */
  folder: string;
  formats: FormatMemo;
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

/** The same for the body of an OpenAI request, in its own words. */
export async function openAiForm(body: Fields, { options, formats }: Common): Promise<Options> {
  const { where, record } = body;
  const form = record['response_format'] ?? undefined;
  return checkStop(where, {
    ...options,
    ...(form !== undefined && { format: responseFormat(form, { where: `${where}: response_format`, formats }) }),
    ...openAiLogprobs(body),
  });
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false;
}

async function formOf(name: FormName, line: RecordLine, formats: FormatMemo): Promise<Options['format']> {
  const { where, folder, record } = line;
  return forms[name](record[name], { where: `${where}: ${name}`, folder, formats });
}

async function recordSchema(value: unknown, { where, folder, formats }: FormPlace): Promise<AnswerFormat> {
  if (typeof value === 'string') {
    const text = await readRecordFile(value, { where, folder });
    return formats(`schema ${text}`, () => schemaFormat(text, `${where}: ${value}`));
  }
  if (typeof value !== 'object') throw wrong(where, value, 'a JSON Schema or the path of one');
  const text = JSON.stringify(value);
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

function openAiLogprobs({ where, record }: Fields): Pick<Options, 'logprobs'> {
  const asked = record['logprobs'] ?? undefined;
  const top = record['top_logprobs'] ?? undefined;
  if (asked !== undefined && typeof asked !== 'boolean') throw wrong(`${where}: logprobs`, asked, 'true or false');
  if (top !== undefined && asked !== true) throw wrong(`${where}: logprobs`, asked, 'true beside top_logprobs');
  if (asked === undefined) return {};
  if (!asked) return { logprobs: undefined };
  return { logprobs: top === undefined ? 0 : numberField(top, `${where}: top_logprobs`, logprobsRange) };
}

/** Both may come from the command line, where each alone is right for other records. */
function checkStop(where: string, options: Options): Options {
  if (!options.format || options.stop.length === 0) return options;
  throw new PixtralError(
    'input',
    `${where}: stop: would cut an answer that must have a given form before it is whole`,
    {
      hint: 'a form ends the answer by itself; "stop": [] turns --stop off for this record',
    },
  );
}
