import {
  type ExactJson,
  exactList,
  exactObject,
  exactString,
  parseExactJson,
  writeExactJson,
} from '../base/exact-json.ts';
import { badConversation } from './conversation.ts';
import type { Chunk, Thoughts, Tool, ToolCall } from './message.ts';
import { type Segment, control, text } from './segment.ts';
import type { Template, ToolLayout } from './template.ts';
import { type Turn, turnText } from './turns.ts';

/** Definitions, between their control tokens. */
export function toolSegments(tools: readonly Tool[]): Segment<never>[] {
  if (tools.length === 0) return [];
  return [control('[AVAILABLE_TOOLS]'), text(toolsJson(tools)), control('[/AVAILABLE_TOOLS]')];
}

/** As models are told of them. */
export function toolsJson(tools: readonly Tool[]): string {
  return writeExactJson(exactList(tools.map(definition)));
}

function definition({ name, description, parameters }: Tool): ExactJson {
  const described = { name: exactString(name), description: exactString(description), parameters };
  return exactObject({ type: exactString('function'), function: exactObject(described) });
}

/** Calls at the end of an answer. */
export function callSegments(calls: readonly ToolCall[], { tools: layout }: Template): Segment<never>[] {
  if (!layout || calls.length === 0) return [];
  if (layout.calls !== 'list') return calls.flatMap((call) => singleCall(call, layout));
  return [control('[TOOL_CALLS]'), text(writeExactJson(exactList(calls.map(listedCall))))];
}

function listedCall({ id, name, arguments: json }: ToolCall): ExactJson {
  const call = { name: exactString(name), arguments: argumentsOf(json) };
  return exactObject(id === undefined ? call : { ...call, id: exactString(id) });
}

function singleCall({ id, name, arguments: json }: ToolCall, { calls }: ToolLayout): Segment<never>[] {
  const withId = calls === 'name, id, arguments' && id !== undefined;
  return [
    control('[TOOL_CALLS]'),
    text(name),
    ...(withId ? [control('[CALL_ID]'), text(id)] : []),
    control('[ARGS]'),
    text(writeExactJson(argumentsOf(json))),
  ];
}

/** What a tool said, between its control tokens. */
export function resultSegments<I>(turn: Turn<I>, { tools: layout }: Template): Segment<I>[] {
  if (!layout) return [];
  const id = turn.callId ?? '';
  const [begin, end] = [control('[TOOL_RESULTS]'), control('[/TOOL_RESULTS]')];
  switch (layout.results) {
    case 'JSON of content and id': {
      const result = exactObject({ content: argumentsOf(turnText(turn)), call_id: exactString(id) });
      return [begin, text(writeExactJson(result)), end];
    }
    case 'id, content':
      return [begin, text(id), control('[TOOL_CONTENT]'), text(turnText(turn)), end];
    case 'content':
      return [begin, ...turn.chunks.filter(isSeen), end];
    default:
      return layout.results satisfies never;
  }
}

const isSeen = <I>(chunk: Chunk<I> | Thoughts): chunk is Chunk<I> => chunk.kind !== 'thinking';

/** JSON as Python writes it; a text that is no JSON is a string of it, none at all an empty object. */
function argumentsOf(json: string): ExactJson {
  if (json === '') return exactObject({});
  try {
    return parseExactJson(json);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return exactString(json);
    if (thrown instanceof RangeError) throw badConversation(`JSON of a tool's call or result ${thrown.message}`);
    throw thrown;
  }
}
