import { PixtralError } from '../base/errors.ts';
import { type ExactJson, exactObject, exactString, writeExactJson } from '../base/exact-json.ts';
import type { Tekken } from '../tokenizer/tekken.ts';
import type { Around } from './message.ts';

/**
 * What stands between `[MODEL_SETTINGS]` and its end; undefined where nothing does.
 * @throws PixtralError('input') for an effort that the model does not have
 */
export function settingsJson(
  { reasoningEffort, jsonSchema }: Around,
  { version, settings }: Pick<Tekken, 'version' | 'settings'>,
): string | undefined {
  const efforts = settings?.reasoningEffort;
  if (!efforts && reasoningEffort !== undefined) {
    throw new PixtralError(
      'input',
      `reasoning effort ${JSON.stringify(reasoningEffort)}: this model (${version}) takes none`,
      {
        hint: 'only models whose tokenizer has model settings (v15) are told how much to think',
      },
    );
  }
  const effort = reasoningEffort ?? efforts?.default;
  if (efforts && effort !== undefined && !efforts.values.includes(effort)) {
    throw new PixtralError(
      'input',
      `reasoning effort ${JSON.stringify(effort)}: expected one of ${efforts.values.join(', ')}`,
    );
  }
  // Names of settings in the order of the alphabet; the schema's own keys stay as they are: the answer follows them.
  const said: Record<string, ExactJson> = {
    ...(settings?.jsonSchema === true && jsonSchema && { json_schema: jsonSchema }),
    ...(effort !== undefined && { reasoning_effort: exactString(effort) }),
  };
  return Object.keys(said).length === 0 ? undefined : writeExactJson(exactObject(said));
}
