import { PixtralError } from '../base/errors.ts';
import type { RecordQuestion } from '../asking/record-hash.ts';
import { logprobsRange } from '../asking/sampling-ranges.ts';
import { type AnswerFormat, choicesFormat, differentChoices, grammarFormat } from '../grammar/answer-format.ts';
import { type Fields, asRecord, exactPart, numberField, textList, wrong } from './fields.ts';
import type { FormatMemo } from './format-memo.ts';
import { responseFormat } from './response-format.ts';

type Options = RecordQuestion['options'];

/** The options with the form that the body of a chat completion asks for. */
export async function openAiForm(
  body: Fields,
  { options, formats }: { options: Options; formats: FormatMemo },
): Promise<Options> {
  const { where, record } = body;
  const form = record['response_format'] ?? undefined;
  const structured = record['structured_outputs'] ?? undefined;
  if (form !== undefined && structured !== undefined) {
    throw new PixtralError(
      'input',
      `${where}: response_format and structured_outputs: each says what the answer must be, expected one of them`,
    );
  }
  return checkStop(where, {
    ...options,
    ...(form !== undefined && { format: openAiFormat(body, formats) }),
    ...(structured !== undefined && {
      format: structuredOutputs(structured, { where: `${where}: structured_outputs`, formats }),
    }),
    ...openAiLogprobs(body),
  });
}

/** vLLM's, for what OpenAI's API has no words for: texts to choose from, and grammars. */
function structuredOutputs(value: unknown, { where, formats }: { where: string; formats: FormatMemo }): AnswerFormat {
  const fields = Object.entries(asRecord(value, where)).filter(([, given]) => given !== null);
  const [first] = fields;
  if (!first || fields.length > 1) throw wrong(where, value, 'one of choice and grammar');
  const [name, given] = first;
  if (name === 'grammar' && typeof given === 'string') {
    return formats(`grammar ${given}`, () => grammarFormat(given, `${where}: grammar`));
  }
  const choices = name === 'choice' && Array.isArray(given) ? differentChoices(textList(given, where)) : undefined;
  if (!choices) throw wrong(where, value, 'choice, a list of at least two texts, or grammar, a text');
  return choicesFormat(choices);
}

function openAiFormat(body: Fields, formats: FormatMemo): Options['format'] {
  const exact = (path: readonly string[]) => exactPart(body, ['response_format', ...path]);
  return responseFormat(body.record['response_format'], { where: `${body.where}: response_format`, exact, formats });
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
export function checkStop(where: string, options: Options): Options {
  if (!options.format || options.stop.length === 0) return options;
  throw new PixtralError(
    'input',
    `${where}: stop: would cut an answer that must have a given form before it is whole`,
    {
      hint: 'a form ends the answer by itself; "stop": [] turns --stop off for this record',
    },
  );
}
