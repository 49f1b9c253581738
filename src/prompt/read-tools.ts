import { PixtralError } from '../base/errors.ts';
import { type ExactJson, exactObject } from '../base/exact-json.ts';
import type { Tool } from './message.ts';

/**
 * Definitions of tools in OpenAI's form: `[{"type": "function", "function": {"name", "description", "parameters"}}]`.
 * @param where names the list in errors
 * @throws PixtralError('input') naming what is wrong
 */
export function readTools(list: ExactJson, where: string): Tool[] {
  if (list.kind !== 'list') throw wrong(where, 'a list of tools');
  return list.items.map((tool, index) => {
    const place = `${where}[${index}]`;
    const type = fieldOf(tool, 'type', place);
    if (type && (type.kind !== 'string' || type.text !== 'function')) throw wrong(`${place}.type`, '"function"');
    const definition = fieldOf(tool, 'function', place);
    if (!definition) throw wrong(`${place}.function`, 'a name, a description and parameters');
    const within = `${place}.function`;
    const name = textOf(fieldOf(definition, 'name', within), `${within}.name`);
    if (name === undefined) throw wrong(`${within}.name`, 'a name');
    return {
      name,
      description: textOf(fieldOf(definition, 'description', within), `${within}.description`) ?? '',
      parameters: fieldOf(definition, 'parameters', within) ?? exactObject({}),
    };
  });
}

/** Null is as good as absent. */
function fieldOf(value: ExactJson, name: string, where: string): ExactJson | undefined {
  if (value.kind !== 'object') throw wrong(where, 'an object');
  const field = value.fields.get(name);
  return field?.kind === 'word' && field.text === 'null' ? undefined : field;
}

function textOf(value: ExactJson | undefined, where: string): string | undefined {
  if (value === undefined || value.kind === 'string') return value?.text;
  throw wrong(where, 'a text');
}

function wrong(where: string, expected: string): PixtralError {
  return new PixtralError('input', `${where}: expected ${expected}`);
}
