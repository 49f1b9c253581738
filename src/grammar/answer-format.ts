import { PixtralError, reasonOf } from '../base/errors.ts';
import { type ExactJson, parseExactJson } from '../base/exact-json.ts';
import { parseShallow } from '../base/nesting.ts';
import { checkGbnf } from './check-gbnf.ts';
import { GbnfRules } from './gbnf.ts';
import { type JsonRule, jsonRule } from './json-rules.ts';
import { asDraft2020 } from './older-drafts.ts';
import { oneOfTexts } from './one-of-texts.ts';
import { parseSchema } from './parse-schema.ts';
import { schemaGrammar } from './schema-grammar.ts';
import type { Json } from './schema.ts';
import { schemaValidator } from './validate.ts';

/** What an answer must be. */
export type AnswerFormat =
  | {
      kind: 'json';
      /** GBNF. */
      grammar: string;
      /** As it was given; any object without. */
      schema: Json | undefined;
      /** What is wrong with a value that was written, if anything is. */
      problem(value: Json): string | undefined;
      /** The schema as it was written, for models that are told it. */
      told(): ExactJson;
    }
  | { kind: 'choice'; grammar: string; choices: readonly string[] }
  | { kind: 'text'; grammar: string };

/** An answer that a JSON Schema describes; `where` names it in messages. */
export function schemaFormat(text: string, where: string): AnswerFormat {
  checkSize(text, { where, what: 'a JSON Schema' });
  const document = parseJson(text, where);
  try {
    const schema = asDraft2020(document);
    const grammar = schemaGrammar(parseSchema(schema, where));
    const told = (): ExactJson => parseExactJson(text);
    return { kind: 'json', grammar, schema: document, problem: schemaValidator(schema), told };
  } catch (thrown) {
    // A stack that overflows: in a validator made of thousands of parts, or along a chain of references.
    if (!(thrown instanceof RangeError)) throw thrown;
    throw new PixtralError('input', `${where}: is too large a schema to be checked, expected a smaller one`, {
      hint: 'ask in several questions, each with a part of it',
      cause: thrown,
    });
  }
}

/** What mistral-common tells models of `json_object`. */
const anyJson = '{"anyOf": [{"type": "object"}, {"type": "array"}]}';

/** Any JSON object. */
export function jsonObjectFormat(): AnswerFormat {
  const rule: JsonRule = 'object-any';
  const gbnf = new GbnfRules();
  const grammar = gbnf.text(jsonRule(gbnf, rule));
  const told = (): ExactJson => parseExactJson(anyJson);
  return { kind: 'json', grammar, schema: undefined, problem: () => undefined, told };
}

/** An answer that a grammar of the user's describes; `where` names it in messages. */
export function grammarFormat(grammar: string, where: string): AnswerFormat {
  checkSize(grammar, { where, what: 'a grammar' });
  checkGbnf(grammar, where);
  return { kind: 'text', grammar };
}

/** Texts to choose from, each once; undefined where there is nothing to choose, or one of them is no text. */
export function differentChoices(choices: readonly string[]): string[] | undefined {
  const different = [...new Set(choices)];
  return different.length < 2 || different.includes('') ? undefined : different;
}

/** One of a few texts. */
export function choicesFormat(choices: readonly string[]): AnswerFormat {
  return { kind: 'choice', grammar: new GbnfRules().text(oneOfTexts(choices)), choices };
}

/** Written by hand, or by a program that knows no end. */
const maxLength = 2 ** 20;

function checkSize({ length }: string, { where, what }: { where: string; what: string }): void {
  if (length <= maxLength) return;
  throw new PixtralError('input', `${where}: has ${length} characters, expected ${what} of at most ${maxLength}`);
}

function parseJson(text: string, where: string): Json {
  try {
    return parseShallow(text) as Json;
  } catch (cause) {
    throw new PixtralError('input', `${where}: is not JSON: ${reasonOf(cause)}`, {
      hint: 'expected a JSON Schema, such as {"type":"object","properties":{"colour":{"type":"string"}},"required":["colour"]}',
      cause,
    });
  }
}
