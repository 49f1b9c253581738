import { PixtralError } from '../base/errors.ts';
import type { DecisionOption, DecisionQuestion } from '../asking/decisions/question.ts';
import { type Fields, asRecord, optionalText, wrong } from './fields.ts';
import { partText } from './part-text.ts';
import { checkQuestions, parseQuestion } from './question-text.ts';

/**
 * Questions as OpenAI's Decisions API writes them, or as the command line does:
 * `[{"type":"choice","name":"kind","instructions":"What is it?","choices":[{"value":"receipt","description":"..."}]}, "person=Is one visible?"]`
 * @throws PixtralError `input` naming the field, `usage` for what no question may be
 */
export function readQuestions(value: unknown, where: string): DecisionQuestion[] {
  if (!Array.isArray(value) || value.length === 0) throw wrong(where, value, 'a list of questions');
  const questions = value.map((one: unknown, index) =>
    readQuestion(one, { where: `${where}[${index}]`, number: index + 1 }),
  );
  checkQuestions(questions);
  return questions;
}

function readQuestion(value: unknown, { where, number }: { where: string; number: number }): DecisionQuestion {
  if (typeof value === 'string') return parseQuestion(value, number);
  const fields: Fields = { where, record: asRecord(value, where) };
  const given = optionalText(fields, 'name');
  const name = given === undefined ? { name: `q${number}`, unnamed: true as const } : { name: given };
  const instructions = readInstructions(fields.record['instructions'], `${where}: instructions`);
  const { type, choices, levels } = fields.record;
  switch (type) {
    case 'predicate':
      return { type, ...name, instructions };
    case 'choice':
      return { type, ...name, instructions, options: readOptions(choices, `${where}: choices`) };
    case 'score':
      return { type, ...name, instructions, levels: readOptions(levels, `${where}: levels`) };
    default:
      throw wrong(`${where}: type`, type, '"predicate", "choice" or "score"');
  }
}

/** A text, or a list of texts and JSON. */
function readInstructions(value: unknown, where: string): string {
  const parts: unknown[] = Array.isArray(value) ? value : [{ type: 'text', text: value }];
  const texts = parts.map((part) => {
    const text = partText(part, where);
    if (text === undefined) throw wrong(where, Array.isArray(value) ? part : value, 'the question in words');
    return text;
  });
  const instructions = texts.join('\n').trim();
  if (instructions === '') throw wrong(where, value, 'the question');
  return instructions;
}

function readOptions(value: unknown, where: string): DecisionOption[] {
  if (!Array.isArray(value)) throw wrong(where, value, 'a list');
  const options = value.map((one: unknown, index): DecisionOption => {
    const at = `${where}[${index}]`;
    const record = typeof one === 'object' && one !== null ? asRecord(one, at) : { value: one };
    const named = record['value'] ?? record['label'] ?? record['name'];
    if (typeof named !== 'string' && typeof named !== 'boolean' && typeof named !== 'number') {
      throw wrong(`${at}: value`, named, 'a text');
    }
    return {
      value: String(named),
      description: optionalText({ where: at, record }, 'description'),
      ...(typeof named === 'boolean' && { boolean: named }),
    };
  });
  const values = options.map((option) => option.value.trim());
  if (values.includes('')) throw wrong(where, value, 'options that are not empty');
  if (new Set(values).size === values.length) return options;
  throw new PixtralError('input', `${where}: has the same option twice`);
}
