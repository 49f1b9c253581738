import { PixtralError } from '../../base/errors.ts';
import type { Comparison, Condition } from '../../asking/decisions/condition.ts';
import { type DecisionQuestion, optionsOf } from '../../asking/decisions/question.ts';

/**
 * `person>0.5 && kind=receipt`, `not (damage>=3 or kind.letter>0.2)`; a comparison without a name is of the only question.
 * Left to right: what is not needed is not asked.
 * @throws PixtralError `usage`
 */
export function parseWhere(text: string, questions: readonly DecisionQuestion[]): Condition {
  return new Parser(text, questions).parse();
}

const tokens = /\s*(?:(&&|\|\||>=|<=|!=|==|[()!<>=])|"([^"]*)"|([^\s()!<>=&|"]+))/y;
const comparisons: Readonly<Record<string, Comparison>> = {
  '>': '>',
  '>=': '>=',
  '<': '<',
  '<=': '<=',
  '=': '=',
  '==': '=',
  '!=': '!=',
};
/** Deeper nesting is no filter that anyone means. */
const deepest = 100;

interface Token {
  sign: string | undefined;
  word: string | undefined;
}

class Parser {
  readonly #text: string;
  readonly #questions: readonly DecisionQuestion[];
  readonly #tokens: Token[] = [];
  #at = 0;
  #depth = 0;

  constructor(text: string, questions: readonly DecisionQuestion[]) {
    this.#text = text;
    this.#questions = questions;
    tokens.lastIndex = 0;
    const end = text.trimEnd().length;
    while (tokens.lastIndex < end) {
      const from = tokens.lastIndex;
      const found = tokens.exec(text);
      if (!found) throw this.#wrong(`cannot be read at ${JSON.stringify(text.slice(from, from + 20))}`);
      this.#tokens.push({ sign: found[1], word: found[2] ?? found[3] });
    }
  }

  parse(): Condition {
    const expression = this.#or();
    const rest = this.#tokens[this.#at];
    if (rest) throw this.#wrong(`has ${JSON.stringify(rest.sign ?? rest.word)} too much`);
    return expression;
  }

  #or(): Condition {
    let left = this.#and();
    while (this.#takes('||', 'or')) left = { kind: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Condition {
    let left = this.#not();
    while (this.#takes('&&', 'and')) left = { kind: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Condition {
    if (++this.#depth > deepest) throw this.#wrong('is nested too deeply');
    try {
      if (this.#takes('!', 'not')) return { kind: 'not', inner: this.#not() };
      if (!this.#takes('(')) return this.#compare();
      const inner = this.#or();
      if (!this.#takes(')')) throw this.#wrong('lacks a )');
      return inner;
    } finally {
      this.#depth--;
    }
  }

  /** A question alone stands for yes. */
  #compare(): Condition {
    const word = this.#takeWord();
    const { name, option } = this.#question(word);
    const comparison = comparisons[this.#tokens[this.#at]?.sign ?? ''];
    if (comparison === undefined) return { kind: 'compare', name, option, comparison: '>', to: '0.5' };
    this.#at++;
    const to = this.#takeWord();
    if (to === undefined) throw this.#wrong(`ends behind ${comparison}, expected a number or an option`);
    this.#checkRight({ name, option, comparison, to });
    return { kind: 'compare', name, option, comparison, to };
  }

  #question(word: string | undefined): { name: string; option: string | undefined } {
    const names = this.#questions.map(({ name }) => name);
    if (word === undefined) {
      if (names.length === 1) return { name: names[0]!, option: undefined };
      throw this.#wrong(`lacks the name of a question, expected one of ${names.join(', ')}`);
    }
    if (names.includes(word)) return { name: word, option: undefined };
    const question = this.#questions.find(({ name }) => word.startsWith(`${name}.`));
    const option = question && word.slice(question.name.length + 1);
    if (question && optionNames(question).includes(option!)) return { name: question.name, option };
    throw this.#wrong(`speaks of ${JSON.stringify(word)}, expected one of ${names.join(', ')}`);
  }

  #checkRight({
    name,
    option,
    comparison,
    to,
  }: {
    name: string;
    option: string | undefined;
    comparison: Comparison;
    to: string;
  }): void {
    if (to.trim() !== '' && !Number.isNaN(Number(to))) return;
    const question = this.#questions.find((one) => one.name === name)!;
    const isOption = option === undefined && optionNames(question).includes(to);
    if (isOption && (comparison === '=' || comparison === '!=')) return;
    const options = optionNames(question).join(', ');
    throw this.#wrong(`compares ${name} with ${JSON.stringify(to)}, expected a number, or = and one of ${options}`);
  }

  #takes(...signs: readonly string[]): boolean {
    const next = this.#tokens[this.#at];
    const found = next !== undefined && signs.includes(next.sign ?? next.word?.toLowerCase() ?? '');
    if (found) this.#at++;
    return found;
  }

  #takeWord(): string | undefined {
    const word = this.#tokens[this.#at]?.word;
    if (word !== undefined) this.#at++;
    return word;
  }

  #wrong(finding: string): PixtralError {
    const isOnly = this.#questions.length === 1;
    const examples = this.#questions.slice(0, 3).map((question) => exampleOf(question, isOnly));
    return new PixtralError('usage', `--where ${JSON.stringify(this.#text)}: ${finding}`, {
      hint: `for example '${examples.join(' && ')}'`,
    });
  }
}

/** A comparison that the question allows. */
function exampleOf(question: DecisionQuestion, isOnly: boolean): string {
  const name = isOnly ? '' : question.name;
  if (question.type === 'predicate') return `${name}>0.5`;
  const [first, second = first] = optionNames(question) as [string, string?];
  if (question.type === 'score' && !Number.isNaN(Number(second))) return `${name}>=${second}`;
  return `${name}=${/^\w+$/.test(first) ? first : JSON.stringify(first)}`;
}

function optionNames(question: DecisionQuestion): string[] {
  return optionsOf(question).map(({ value }) => value);
}
