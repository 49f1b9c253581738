import { type DecisionOption, type DecisionQuestion, type Decisions, optionsOf } from './question.ts';

/** A question as the model is asked it, and what it may say. */
export interface DecisionPrompt {
  text: string;
  /** By option, in the question's own order. */
  labels: readonly string[];
}

/** Where nothing else is asked for. */
const defaultTemplate = '{question}\n{options}';
/** By `general.name`: models that were trained on other words. */
const ownTemplates: Readonly<Record<string, string>> = { demo: '{question}' };

/** How a model is asked that has this name in its own file. */
export function templateFor(name: string | undefined): string {
  return name !== undefined && Object.hasOwn(ownTemplates, name) ? ownTemplates[name]! : defaultTemplate;
}

/** Every option to be told in its place, with the options rotated by `rotation`. */
export function decisionPrompt(
  question: DecisionQuestion,
  { template, labels: style, rotation }: Pick<Decisions, 'template' | 'labels'> & { rotation: number },
): DecisionPrompt {
  const options = optionsOf(question);
  const told = [...options.keys()].map((place) => (place + rotation) % options.length);
  const labels = style === 'words' ? options.map(({ value }) => value) : lettersOf(told);
  const lines = told.map((index) => ({ label: labels[index]!, ...options[index]! }));
  const filled = template.replaceAll(/\{(question|options)\}/g, (_, field: string) =>
    field === 'question' ? question.instructions : instruction(question, { lines, style }),
  );
  return { text: filled.trim(), labels };
}

/**
 * By how much the options are rotated each time that a question is asked: once, unless their order can matter, which it
 * cannot where they are not told or have an order of their own.
 */
export function rotationsOf(
  question: DecisionQuestion,
  { template, orders: wanted }: Pick<Decisions, 'template' | 'orders'>,
): number[] {
  const options = optionsOf(question).length;
  const canMatter = question.type === 'choice' && template.includes('{options}');
  const orders = canMatter ? Math.min(wanted, options) : 1;
  return Array.from({ length: orders }, (_, order) => Math.floor((order * options) / orders));
}

interface Line extends DecisionOption {
  label: string;
}

function instruction(
  { type }: DecisionQuestion,
  { lines, style }: { lines: readonly Line[]; style: Decisions['labels'] },
): string {
  if (style === 'letters') {
    const list = lines.map(({ label, value, description }) => `${label}) ${value}${meaning(description)}`);
    return `${list.join('\n')}\nAnswer with the letter only.`;
  }
  if (type === 'predicate') return 'Answer yes or no.';
  const described = lines.some(({ description }) => description !== undefined);
  const values = lines.map(({ value }) => value);
  const list = described
    ? `${lines.map(({ value, description }) => `- ${value}${meaning(description)}`).join('\n')}\n`
    : '';
  if (type === 'score')
    return `${list}Answer with one of ${values.join(', ')}: the first is the least, the last the most.`;
  return `${list}Answer with one of: ${values.join(', ')}.`;
}

function meaning(description: string | undefined): string {
  return description === undefined ? '' : `: ${description}`;
}

/** A to Z, then AA, AB and so on, in the order in which they are told; by option. */
function lettersOf(told: readonly number[]): string[] {
  const labels: string[] = [];
  for (const [place, index] of told.entries()) labels[index] = letters(place);
  return labels;
}

function letters(place: number): string {
  const last = String.fromCharCode(65 + (place % 26));
  return place < 26 ? last : letters(Math.floor(place / 26) - 1) + last;
}
