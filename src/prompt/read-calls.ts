import { type ExactJson, parseExactJson, writeExactJson } from '../base/exact-json.ts';
import type { Tekken } from '../tokenizer/tekken.ts';
import type { ToolCall } from './message.ts';
import { templates } from './template.ts';

/**
 * The calls that a model wrote from its first `[TOOL_CALLS]` to the end of its answer. Undefined where they are none:
 * before v11 a list of them must be JSON, and whole.
 * @param ids `[TOOL_CALLS]` included
 */
export function readCalls(ids: readonly number[], tekken: Tekken): ToolCall[] | undefined {
  if (templates[tekken.version].tools?.calls === 'list') return readList(tekken.decode(ids));
  const calls = splitAt(ids, tekken.find('[TOOL_CALLS]'))
    .slice(1)
    .map((call) => readCall(call, tekken));
  return calls.length > 0 && calls.every(({ name }) => name !== '') ? calls : undefined;
}

/** A name, perhaps an id, and arguments behind `[ARGS]`, as the model wrote them. */
function readCall(ids: readonly number[], tekken: Tekken): ToolCall {
  const [head = [], ...rest] = splitAt(ids, tekken.find('[ARGS]'));
  const [name = [], id] = splitAt(head, tekken.find('[CALL_ID]'));
  return {
    id: id && tekken.decode(id).trim(),
    name: tekken.decode(name).trim(),
    arguments:
      rest
        .map((part) => tekken.decode(part))
        .join('')
        .trim() || '{}',
  };
}

function splitAt(ids: readonly number[], mark: number | undefined): number[][] {
  const parts: number[][] = [[]];
  for (const id of ids) {
    if (id === mark) parts.push([]);
    else parts.at(-1)!.push(id);
  }
  return parts;
}

function readList(text: string): ToolCall[] | undefined {
  let list: ExactJson;
  try {
    list = parseExactJson(text);
  } catch {
    return undefined;
  }
  if (list.kind !== 'list' || list.items.length === 0) return undefined;
  const calls = list.items.map(listedCall);
  return calls.every((call) => call !== undefined) ? calls : undefined;
}

function listedCall(item: ExactJson): ToolCall | undefined {
  if (item.kind !== 'object') return undefined;
  const [name, given, id] = ['name', 'arguments', 'id'].map((field) => item.fields.get(field));
  if (name?.kind !== 'string') return undefined;
  return {
    id: id?.kind === 'string' ? id.text : undefined,
    name: name.text,
    arguments: given === undefined ? '{}' : given.kind === 'string' ? given.text : writeExactJson(given),
  };
}
