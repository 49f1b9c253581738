import { PixtralError } from '../base/errors.ts';
import { writeExactJson } from '../base/exact-json.ts';
import { draft7Problem } from '../grammar/draft7.ts';
import type { Message, Tool, ToolCall } from './message.ts';
import type { Template, ToolLayout } from './template.ts';

/**
 * Checks what mistral-common's validator checks before a conversation is laid out: the order of roles, what each
 * message holds, the ids of calls and results.
 * @throws PixtralError('input') for what Mistral's models were not trained on
 */
export function checkConversation(messages: readonly Message<unknown>[], template: Template): void {
  checkEnds(messages);
  for (const [index, message] of messages.entries()) {
    const before = messages[index - 1];
    if (before && !mayFollow[before.role].includes(message.role)) throw badOrder(index, message.role, before.role);
    if (message.prefix === true && (message.role !== 'assistant' || index !== messages.length - 1)) {
      throw badConversation(`message ${index + 1} is to be continued, which only an answer at the end can be`);
    }
  }
  if (usesTools(messages)) checkToolTurns(messages, toolLayout(template));
  for (const message of messages) checkMessage(message, template);
}

/** @throws PixtralError('input') for a name that no version takes, or parameters that are no JSON Schema */
export function checkTools(tools: readonly Tool[], template: Template): void {
  if (tools.length > 0) toolLayout(template);
  for (const { name, parameters } of tools) {
    checkName(name);
    const problem = draft7Problem(JSON.parse(writeExactJson(parameters)) as unknown);
    if (problem !== undefined) throw badConversation(`parameters of the tool ${name}: ${problem}`);
  }
}

type Role = Message<unknown>['role'];

const mayFollow: Readonly<Record<Role, readonly Role[]>> = {
  system: ['user', 'assistant', 'system'],
  user: ['assistant', 'system', 'user'],
  assistant: ['assistant', 'user', 'tool'],
  tool: ['assistant', 'tool', 'user'],
};

const roleNames: Readonly<Record<Role, string>> = {
  system: 'a system prompt',
  user: 'a question',
  assistant: 'an answer',
  tool: "a tool's result",
};

function badOrder(index: number, role: Role, before: Role): PixtralError {
  const allowed = mayFollow[before].map((one) => roleNames[one]).join(' or ');
  return badConversation(`message ${index + 1} is ${roleNames[role]} after ${roleNames[before]}, expected ${allowed}`);
}

function checkEnds(messages: readonly Message<unknown>[]): void {
  const last = messages.at(-1);
  if (last === undefined) throw badConversation('no message, expected at least one of the user');
  if (messages.length === 1 && last.role !== 'user' && last.role !== 'system') {
    throw badConversation(`the only message is ${roleNames[last.role]}, expected one of the user before it`);
  }
  if (last.role === 'assistant' && last.prefix !== true) {
    throw badConversation('the last message is an answer, expected one of the user or the start of an answer');
  }
}

const usesTools = (messages: readonly Message<unknown>[]): boolean =>
  messages.some(({ role, toolCalls }) => role === 'tool' || (toolCalls?.length ?? 0) > 0);

function toolLayout({ tools }: Template): ToolLayout {
  if (tools) return tools;
  throw new PixtralError(
    'input',
    "tools: this model's files do not say how its tokenizer lays them out (v7, v11 or v13)",
    {
      hint: "put the model's own tekken.json beside tokenizer.json and convert again",
    },
  );
}

/** Each call is answered before the next answer; mistral-common does not look at a conversation's first message. */
function checkToolTurns(messages: readonly Message<unknown>[], { resultsBy }: ToolLayout): void {
  let open: (string | undefined)[] = [];
  let answered: (string | undefined)[] = [];
  for (const { role, callId, toolCalls = [] } of messages.slice(1)) {
    if (role === 'tool') {
      if (resultsBy === 'id') checkResult(callId, { open, answered });
      answered.push(callId);
    } else if (role === 'assistant') {
      if (open.length !== answered.length) {
        throw badConversation(`${open.length} calls of tools and ${answered.length} results, expected as many`);
      }
      open = toolCalls.map(({ id }) => id);
      answered = [];
      const twice = resultsBy === 'id' ? open.find((id, index) => open.indexOf(id) !== index) : undefined;
      if (twice !== undefined) throw badConversation(`two calls of one answer have the id ${JSON.stringify(twice)}`);
    }
  }
}

function checkResult(
  id: string | undefined,
  { open, answered }: { open: readonly (string | undefined)[]; answered: readonly (string | undefined)[] },
): void {
  if (answered.includes(id)) throw badConversation(`two results of the call ${JSON.stringify(id)}`);
  if (!open.includes(id)) throw badConversation(`a result of the call ${JSON.stringify(id)}, which nobody made`);
}

function checkMessage({ role, content, toolCalls, callId }: Message<unknown>, template: Template): void {
  const wrong = content.find(({ kind }) => !template.allows[role].includes(kind));
  if (wrong) throw badChunk(role, wrong.kind, template);
  if (role === 'assistant') {
    const hasCalls = (toolCalls?.length ?? 0) > 0;
    if (template.tools?.callsBesideText === false && hasCalls === content.length > 0) {
      throw hasCalls ? badAnswer() : badConversation('an answer without text');
    }
    for (const call of toolCalls ?? []) checkCall(call, toolLayout(template));
  }
  if (role === 'tool') checkId(callId, { of: "a tool's result", layout: toolLayout(template) });
}

export function badAnswer(): PixtralError {
  return badConversation('an answer with text and calls of tools, expected one of them in this version');
}

function badChunk(role: Role, kind: 'text' | 'image' | 'thinking', template: Template): PixtralError {
  const what = kind === 'thinking' ? 'thoughts' : 'an image';
  return badConversation(`${what} in a message of the ${role}, expected ${template.allows[role].join(' or ')} only`);
}

function checkCall({ id, name }: ToolCall, layout: ToolLayout): void {
  checkId(id, { of: `the call of ${name}`, layout });
  checkName(name);
}

const nine = /^[a-zA-Z0-9]{9}$/;

function checkId(id: string | undefined, { of, layout }: { of: string; layout: ToolLayout }): void {
  if (layout.callIds === 'nine') {
    if (id !== undefined && nine.test(id)) return;
    throw badConversation(`${of} has the id ${shown(id)}, expected nine letters or digits (a-z, A-Z, 0-9)`);
  }
  if (id === undefined || id === '' || id === 'null') {
    throw badConversation(`${of} has the id ${shown(id)}, expected a text that is not empty`);
  }
}

const shown = (id: string | undefined): string => (id === undefined ? 'nothing' : JSON.stringify(id));

function checkName(name: string): void {
  if (/^[a-zA-Z0-9_-]{1,64}$/.test(name)) return;
  throw badConversation(
    `a tool is called ${JSON.stringify(name)}, expected up to 64 letters (a-z), digits, underscores and dashes`,
  );
}

export function badConversation(what: string): PixtralError {
  return new PixtralError('input', `conversation: ${what}`);
}
