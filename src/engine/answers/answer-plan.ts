import { PixtralError } from '../../base/errors.ts';
import type { AskOptions, Question } from '../../asking/events.ts';
import { toldMessages } from '../../asking/told-form.ts';
import type { Picture } from '../../image/decoder/load.ts';
import { type Run, encodePrompt } from '../../prompt/encode.ts';
import type { Around } from '../../prompt/message.ts';
import { templates } from '../../prompt/template.ts';
import type { Tekken } from '../../tokenizer/tekken.ts';
import { type Beginning, type Marks, marksOf } from './phases.ts';

/** What of a question's options is in its prompt. */
export type PromptOptions = Pick<AskOptions, 'tools' | 'toolChoice' | 'reasoning' | 'reasoningEffort' | 'format'>;

/** What an answer is to consist of, and the prompt behind which it begins. */
export interface AnswerPlan {
  runs: Run<Picture>[];
  marks: Marks;
  /** Never drawn. */
  forbidden: readonly number[];
  beginning: Beginning;
  /** Ids at the prompt's end with which the answer's calls begin. */
  begunCalls: readonly number[];
}

/** With its schema in words, where the model is to be told it so. @throws as planAnswer does */
export function planQuestion(question: Question, tekken: Tekken): AnswerPlan {
  const { settings, version } = tekken;
  const messages = settings?.jsonSchema === true ? question.messages : toldMessages(question, version);
  return planAnswer({ messages, options: question.options }, tekken);
}

export function tokensOf(runs: readonly Run<Picture>[]): number {
  return runs.reduce((sum, { ids }) => sum + ids.length, 0);
}

/** @throws PixtralError `input` for what the model's version does not have */
export function planAnswer(
  { messages, options }: Pick<Question, 'messages'> & { options: PromptOptions },
  tekken: Tekken,
): AnswerPlan {
  const { tools = [], toolChoice = 'auto', reasoning } = options;
  const runs = encodePrompt(messages, tekken, aroundOf(options, tekken));
  const begunCalls = begunBy(toolChoice, { tools, tekken });
  const end = runs.at(-1);
  if (end?.kind === 'ids') end.ids.push(...begunCalls); // behind [/INST] or [/TOOL_RESULTS]
  const marks = marksOf(tekken, { withTools: tools.length > 0 });
  const forbidden = [
    ...(reasoning === 'off' ? [marks.think] : []),
    ...(toolChoice === 'none' ? [marks.calls] : []),
  ].filter((id) => id !== undefined);
  const last = messages.at(-1);
  const part = last?.role === 'assistant' ? last.content.at(-1) : undefined;
  const thinksOn = part?.kind === 'thinking' && !part.closed;
  const beginning = begunCalls.length > 0 ? 'calls' : thinksOn ? 'thinking' : 'text';
  return { runs, marks, forbidden, beginning, begunCalls };
}

/** What the model is told beside the conversation: the schema too, where the version does that. */
function aroundOf(options: PromptOptions, tekken: Tekken): Around {
  const { tools, reasoning, reasoningEffort, format } = options;
  const isTold = tekken.settings?.jsonSchema === true && format?.kind === 'json';
  return {
    tools,
    reasoningEffort: reasoning === 'off' ? noEffort(reasoningEffort, tekken) : reasoningEffort,
    jsonSchema: isTold ? format.told() : undefined,
  };
}

/** Thoughts are turned off by the least effort where there are efforts. */
function noEffort(asked: string | undefined, { settings }: Tekken): string | undefined {
  if (asked !== undefined && asked !== 'none') {
    throw new PixtralError('input', `reasoning is off, and its effort ${JSON.stringify(asked)}: expected one of them`);
  }
  return settings?.reasoningEffort ? 'none' : asked;
}

/** `[TOOL_CALLS]` where a tool must be asked for, and as much of the call as is known. */
function begunBy(
  choice: AskOptions['toolChoice'],
  { tools, tekken }: { tools: NonNullable<AskOptions['tools']>; tekken: Tekken },
): number[] {
  if (choice === undefined || choice === 'auto' || choice === 'none') return [];
  const begun = [tekken.id('[TOOL_CALLS]')];
  if (choice === 'required') return begun;
  const { name } = choice;
  if (!tools.some((tool) => tool.name === name)) {
    throw new PixtralError('input', `tool_choice: there is no tool ${JSON.stringify(name)}, expected one of the tools`);
  }
  switch (templates[tekken.version].tools?.calls) {
    case 'list':
      return [...begun, ...tekken.encode(`[{"name": ${JSON.stringify(name)}, "arguments":`)];
    case 'name, id, arguments':
      return [...begun, ...tekken.encode(name), tekken.id('[CALL_ID]')];
    case 'name, arguments':
      return [...begun, ...tekken.encode(name), tekken.id('[ARGS]')];
    case undefined: // refused with the tools already
    default:
      return begun;
  }
}
