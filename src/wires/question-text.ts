import { PixtralError } from '../base/errors.ts';
import type { DecisionQuestion } from '../asking/decisions/question.ts';

/** So many options one question may have, and so many levels; as OpenAI's Decisions API has them. */
export const questionLimits = { options: { least: 2, most: 255 }, levels: { least: 2, most: 10 } } as const;

/**
 * A question as people type it: `Is a person visible?`, `person=Is a person visible?`,
 * `kind=receipt|letter|other: What is this?`, `damage=1..5: How badly is it damaged?`, `size=small<medium<large: How big?`
 * @param number of the question, from 1: its name where it has none
 * @throws PixtralError `usage`
 */
export function parseQuestion(text: string, number: number): DecisionQuestion {
  const [, name = `q${number}`, rest = text] = /^([\p{L}_][\p{L}\p{N}_-]*)=(?!=)(.*)$/su.exec(text) ?? [];
  const { spec, asked } = parted(rest);
  checkName(text, { rest, spec });
  const instructions = asked.trim();
  if (instructions === '') throw wrongQuestion(text, 'has no question behind its name and options');
  if (spec === undefined) return { type: 'predicate', name, instructions };
  if (spec.includes('|'))
    return { type: 'choice', name, instructions, options: listed(spec, { text, separator: '|' }) };
  return { type: 'score', name, instructions, levels: levelsOf(spec, text) };
}

/** Options end at a colon with a blank behind it, so that 16:9 and 09:00 may be some; where there is none, at the first. */
function parted(rest: string): { spec: string | undefined; asked: string } {
  for (const options of [/^([^?]*?):(?:\s+(.*))?$/s, /^([^:?]*):(.*)$/s]) {
    const [, spec = '', asked = ''] = options.exec(rest) ?? [];
    if (/\||<|\.\./.test(spec)) return { spec, asked };
  }
  return { spec: undefined, asked: rest };
}

/** What stands before = and is no name would become a part of the first option, or of the question. */
function checkName(text: string, { rest, spec }: { rest: string; spec: string | undefined }): void {
  const [, name] = /^([^=|<]*)=(?!=)/.exec(spec ?? (rest.startsWith('=') ? rest : '')) ?? [];
  if (name === undefined || rest !== text) return;
  throw wrongQuestion(
    text,
    `has ${JSON.stringify(name.trim())} for its name, expected a letter, and letters, digits, _ and - behind it`,
  );
}

/** @throws PixtralError `usage` when two questions have one name, or more options than may be */
export function checkQuestions(questions: readonly DecisionQuestion[]): void {
  const names = new Set<string>();
  for (const question of questions) {
    if (names.has(question.name)) {
      throw new PixtralError('usage', `question ${question.name}: is there twice, expected each name once`);
    }
    names.add(question.name);
    if (question.type === 'choice') checkCount(question, { count: question.options.length, ...questionLimits.options });
    if (question.type === 'score') checkCount(question, { count: question.levels.length, ...questionLimits.levels });
  }
}

function levelsOf(spec: string, text: string): { value: string }[] {
  const [, first, last] = /^\s*(\d{1,4})\s*\.\.\s*(\d{1,4})\s*$/.exec(spec) ?? [];
  if (first === undefined) {
    if (spec.includes('<')) return listed(spec, { text, separator: '<' });
    throw wrongQuestion(text, `has ${JSON.stringify(spec)} for its levels`);
  }
  const [from, to] = [Number(first), Number(last)];
  if (to <= from || to - from >= questionLimits.levels.most) {
    throw wrongQuestion(text, `has the levels ${spec.trim()}, expected two to ten rising ones`);
  }
  return Array.from({ length: to - from + 1 }, (_, index) => ({ value: String(from + index) }));
}

function listed(spec: string, { text, separator }: { text: string; separator: string }): { value: string }[] {
  const values = spec.split(separator).map((value) => value.trim());
  if (values.includes('')) throw wrongQuestion(text, 'has an empty option');
  if (new Set(values).size < values.length) throw wrongQuestion(text, 'has the same option twice');
  return values.map((value) => ({ value }));
}

function checkCount(
  { name, type }: DecisionQuestion,
  { count, least, most }: { count: number; least: number; most: number },
): void {
  if (count >= least && count <= most) return;
  const what = type === 'score' ? 'levels' : 'options';
  throw new PixtralError('usage', `question ${name}: has ${count} ${what}, expected ${least} to ${most}`);
}

function wrongQuestion(text: string, finding: string): PixtralError {
  return new PixtralError('usage', `question ${JSON.stringify(text)}: ${finding}`, {
    hint: "'person=Is a person visible?', 'kind=receipt|letter|other: What is this?', 'damage=1..5: How badly is it damaged?'",
  });
}
