import { PixtralError } from '../base/errors.ts';
import type { RecordQuestion } from '../asking/record-hash.ts';
import { readTools } from '../prompt/read-tools.ts';
import { type Fields, asRecord, exactPart, optionalText, wrong } from './fields.ts';

type Toolset = Pick<RecordQuestion['options'], 'tools' | 'toolChoice' | 'reasoningEffort' | 'reasoning'>;

const choices = ['auto', 'none', 'required'] as const;
export const reasonings = ['show', 'hide', 'off'] as const;

/** What is told beside the messages. */
export function readAround(body: Fields): Toolset {
  const { where, record } = body;
  const isGiven = record['tools'] !== undefined && record['tools'] !== null;
  const listed = isGiven ? exactPart(body, ['tools']) : undefined;
  const tools = listed && readTools(listed, `${where}: tools`);
  const toolChoice = readChoice(body);
  const reasoningEffort = optionalText(body, 'reasoning_effort');
  const reasoning = optionalText(body, 'reasoning');
  const known = reasonings.find((one) => one === reasoning);
  if (reasoning !== undefined && !known) throw wrong(`${where}: reasoning`, reasoning, reasonings.join(', '));
  return {
    ...(tools && tools.length > 0 && { tools }),
    ...(toolChoice !== undefined && { toolChoice }),
    ...(reasoningEffort !== undefined && { reasoningEffort }),
    ...(known && { reasoning: known }),
  };
}

function readChoice({ where, record }: Fields): Toolset['toolChoice'] {
  const choice = record['tool_choice'] ?? undefined;
  if (choice === undefined || choice === 'auto') return undefined;
  const place = `${where}: tool_choice`;
  if (!Array.isArray(record['tools']) || record['tools'].length === 0) {
    if (choice === 'none') return undefined;
    throw new PixtralError('input', `${place}: there are no tools, expected them beside it`);
  }
  if (typeof choice !== 'string') {
    const { name } = asRecord(asRecord(choice, place)['function'], `${place}.function`);
    if (typeof name === 'string') return { name };
    throw wrong(`${place}.function.name`, name, 'the name of a tool');
  }
  const known = choice === 'any' ? 'required' : choices.find((one) => one === choice); // Mistral's older name
  if (known) return known;
  throw wrong(place, choice, `${choices.join(', ')} or the name of a tool`);
}
