import { InvalidArgumentError, Option } from 'commander';
import { PixtralError, errnoOf, reasonOf } from '../base/errors.ts';
import { readWhole } from '../base/read-whole.ts';
import { decodeText } from '../base/text.ts';
import { logprobsRange } from '../asking/sampling-ranges.ts';
import type { AnswerFormat } from '../grammar/answer-format.ts';
import { formats } from '../grammar/formats.ts';
import { annotations, supportedKeywords } from '../grammar/keywords.ts';
import { numberIn } from './options.ts';

export interface FormatFlags {
  schema?: string;
  jsonObject?: boolean;
  grammar?: string;
  tellSchema?: boolean;
  choices?: string[];
  logprobs?: number;
  stop: string[];
  json?: boolean;
}

/** What the answer must look like. */
export const formatOptions = (): Option[] => [
  new Option(
    '--schema <file>',
    "JSON that this JSON Schema allows, or that names with types say: 'shop, total: number'",
  ),
  new Option('--tell-schema', 'the model is told the schema too, behind the question'),
  new Option('--json-object', 'any JSON object'),
  new Option('--grammar <file>', "text that this grammar (llama.cpp's GBNF) allows"),
  new Option('--choices <a,b,...>', 'exactly one of these; repeatable; with commas inside: \'["a, b","c"]\'').argParser(
    collectChoices,
  ),
  new Option(
    '--logprobs <k>',
    'with --json: log-probabilities of tokens, with the k likeliest; confidence of fields',
  ).argParser(numberIn(logprobsRange)),
];

/** For the help page: every keyword, since one that is not here is refused. */
export const formatHelp = `
JSON Schema (2020-12) that --schema understands; anything else is refused by name, with its place:
${wrapped(supportedKeywords.join(' '), 2)}
  format: ${Object.keys(formats).join(', ')}; $ref: within the file
  said for people, without effect: ${annotations.join(' ')}
Where properties or prefixItems are named, others are written only if additionalProperties or items ask for them.`;

/** A schema or grammar is written by hand; more than this is another file by mistake. */
const maxBytes = 1 << 20;

/**
 * What the flags ask of the answer.
 * @throws PixtralError `usage` for flags that exclude each other, `input` for a file that cannot be used
 */
export async function answerFormat(flags: FormatFlags): Promise<AnswerFormat | undefined> {
  const given = (['schema', 'jsonObject', 'grammar', 'choices'] as const).filter((name) => flags[name] !== undefined);
  checkTogether(
    given.map((name) => (name === 'jsonObject' ? '--json-object' : `--${name}`)),
    flags,
  );
  if (given.length === 0) return undefined;
  const formats = await import('../grammar/answer-format.ts');
  if (flags.schema !== undefined) return formats.schemaFormat(await schemaText(flags.schema), flags.schema);
  if (flags.jsonObject === true) return formats.jsonObjectFormat();
  if (flags.grammar !== undefined)
    return formats.grammarFormat(await namedFormat(flags.grammar, 'a grammar'), flags.grammar);
  const choices = formats.differentChoices(flags.choices ?? []);
  if (choices) return formats.choicesFormat(choices);
  throw new PixtralError(
    'usage',
    `--choices: ${JSON.stringify(flags.choices)}, expected at least two that are not empty`,
    { hint: 'separate them by commas (--choices yes,no), or give a JSON list: --choices \'["yes, sure","no"]\'' },
  );
}

function checkTogether([first, second]: readonly string[], { stop, logprobs, json }: FormatFlags): void {
  if (first !== undefined && second !== undefined) {
    throw new PixtralError('usage', `${first} and ${second}: each says what the answer must be, expected one of them`, {
      hint: 'a schema can hold choices: {"enum":["a","b"]}',
    });
  }
  if (first !== undefined && stop.length > 0) {
    throw new PixtralError('usage', `${first} and --stop: a stop text would cut the answer before it is whole`, {
      hint: `leave --stop out: ${first} ends the answer by itself`,
    });
  }
  if (logprobs !== undefined && json !== true) {
    throw new PixtralError('usage', '--logprobs: log-probabilities are part of the JSON answer, expected --json too');
  }
}

/** A JSON list of texts as it is; anything else is split at its commas. */
function collectChoices(text: string, before: string[] = []): string[] {
  if (!text.trimStart().startsWith('[')) return [...before, ...text.split(',').map((choice) => choice.trim())];
  try {
    const choices: unknown = JSON.parse(text);
    if (Array.isArray(choices) && choices.every((choice) => typeof choice === 'string')) return [...before, ...choices];
  } catch {
    // said below
  }
  throw new InvalidArgumentError('expected texts with commas between, or a JSON list of texts.');
}

/** What stands in the file, or what a short form stands for. */
export async function schemaText(named: string): Promise<string> {
  const { looksShort, shortSchema } = await import('../grammar/short-schema.ts');
  if (looksShort(named)) return JSON.stringify(shortSchema(named));
  return namedFormat(named, 'a JSON Schema');
}

/** Whoever names it on the command line may mean a pipe. */
function namedFormat(path: string, what: string): Promise<string> {
  return readFormatFile(path, { what, pipes: true });
}

/** @throws PixtralError `input` when it cannot be read, or is far too large for `what` */
export async function readFormatFile(path: string, { what, pipes }: { what: string; pipes: boolean }): Promise<string> {
  try {
    return decodeText(await readWhole(path, { maxBytes, what, pipes }), path);
  } catch (cause) {
    if (cause instanceof PixtralError) throw cause;
    const reason = errnoOf(cause) === 'ENOENT' ? 'no such file' : reasonOf(cause);
    throw new PixtralError('input', `${path}: ${reason}, expected ${what}`, { cause });
  }
}

function wrapped(text: string, indent: number): string {
  const lines = text.match(/.{1,100}(?: |$)/g) ?? [];
  return lines.map((line) => `${' '.repeat(indent)}${line.trimEnd()}`).join('\n');
}
