import type { TokenizerVersion } from '../tokenizer/tekken.ts';
import type { Chunk, Message, Thoughts } from './message.ts';

type Kinds = readonly (Chunk<unknown> | Thoughts)['kind'][];

/** How a version of Mistral's tokenizer lays a conversation out. */
export interface Template {
  /** System prompts stand before the text of the last user turn, or between control tokens where they were given. */
  systemPrompt: 'in the last user turn' | 'in a turn of its own';
  /** What stands between texts of one message; texts of neighbouring messages are paragraphs in all versions. */
  textSeparator: '\n\n' | '';
  /** What the messages of a role may hold. */
  allows: Readonly<Record<Message<unknown>['role'], Kinds>>;
  /** Undefined where the version is not known well enough to tell. */
  tools: ToolLayout | undefined;
  /** Whether `[MODEL_SETTINGS]` stand behind the tools. */
  settings: boolean;
}

export interface ToolLayout {
  /** Definitions stand before this turn of the user. */
  definedBefore: 'first user turn' | 'last user turn';
  /** `[TOOL_CALLS]` and a JSON list of all, or each with its name, perhaps its id, and its arguments. */
  calls: 'list' | 'name, id, arguments' | 'name, arguments';
  /** Whether an answer may hold text and calls. */
  callsBesideText: boolean;
  /** Between `[TOOL_RESULTS]` and `[/TOOL_RESULTS]`. */
  results: 'JSON of content and id' | 'id, content' | 'content';
  /** Ids of calls: nine letters or digits, or any text. */
  callIds: 'nine' | 'any';
  /** Results are only counted, or told apart by their ids and put in the order of the calls. */
  resultsBy: 'count' | 'id';
}

const textOnly: Kinds = ['text'];
const seen: Kinds = ['text', 'image'];
const thought: Kinds = ['text', 'thinking'];
const plain: Template['allows'] = { system: textOnly, user: seen, assistant: textOnly, tool: textOnly };

const v3Tools: ToolLayout = {
  definedBefore: 'last user turn',
  calls: 'list',
  callsBesideText: false,
  results: 'JSON of content and id',
  callIds: 'nine',
  resultsBy: 'count',
};
const v7Tools: ToolLayout = { ...v3Tools, callsBesideText: true, results: 'id, content' };
const v11Tools: ToolLayout = { ...v7Tools, calls: 'name, id, arguments', resultsBy: 'id' };
const v13Tools: ToolLayout = {
  ...v11Tools,
  definedBefore: 'first user turn',
  calls: 'name, arguments',
  results: 'content',
  callIds: 'any',
};

const v3: Template = {
  systemPrompt: 'in the last user turn',
  textSeparator: '\n\n',
  allows: plain,
  tools: v3Tools,
  settings: false,
};
const v7: Template = { ...v3, systemPrompt: 'in a turn of its own', tools: v7Tools };
const v11: Template = { ...v7, tools: v11Tools };
const v13: Template = { ...v11, tools: v13Tools, allows: { ...plain, system: thought, assistant: thought } };
const v15: Template = {
  ...v13,
  textSeparator: '',
  allows: { ...plain, assistant: thought, tool: seen },
  settings: true,
};

/** One row for each version. Judge: mistral-common 1.13 (protocol/instruct, tokens/tokenizers/instruct.py). */
export const templates: Readonly<Record<TokenizerVersion, Template>> = {
  v3,
  v7,
  v11,
  v13,
  v15,
  'v7-v13': { ...v7, tools: undefined },
};
