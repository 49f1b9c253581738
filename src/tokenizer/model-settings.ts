import { type JsonObject, isObject, requireArray, requireObject, requireString } from './json.ts';
import { notTekken } from './vocabulary.ts';

/** What a tokenizer of v15 has the model told between `[MODEL_SETTINGS]` and its end. */
export interface ModelSettings {
  /** How much to think; undefined where the model is not told. */
  reasoningEffort: { values: readonly string[]; default: string } | undefined;
  /** Whether the model is told the schema of its answer. */
  jsonSchema: boolean;
}

export const noSettings: ModelSettings = { reasoningEffort: undefined, jsonSchema: false };

/** mistral-common's, protocol/instruct/request.py. */
const knownEfforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];

/**
 * Reads `model_settings_builder` of a tekken.json.
 * @throws PixtralError('model') naming the setting that is unknown
 */
export function readModelSettings(value: unknown, where: string): ModelSettings {
  const name = 'model_settings_builder';
  const { reasoning_effort: effort, json_schema: schema, ...others } = requireObject(value, { where, name });
  const other = Object.keys(others)[0];
  if (other !== undefined) throw notTekken(where, `${name}.${other} is a setting that no known version has`);
  if (isGiven(schema)) checkBuilder(schema, { where, name: `${name}.json_schema`, type: 'json_schema' });
  return {
    reasoningEffort: isGiven(effort) ? readEfforts(effort, { where, name: `${name}.reasoning_effort` }) : undefined,
    jsonSchema: isGiven(schema),
  };
}

/** As a tekken.json says it, for the GGUF's own key. */
export function modelSettingsBuilder({ reasoningEffort, jsonSchema }: ModelSettings): JsonObject {
  return {
    ...(reasoningEffort && { reasoning_effort: { type: 'enum', accepts_none: true, ...reasoningEffort } }),
    ...(jsonSchema && { json_schema: { type: 'json_schema', accepts_none: false, default: null } }),
  };
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

function readEfforts(value: unknown, place: { where: string; name: string }): ModelSettings['reasoningEffort'] {
  const { where, name } = place;
  const fields = checkBuilder(value, { ...place, type: 'enum' });
  const values = requireArray(fields['values'], { where, name: `${name}.values` }).map((effort, index) =>
    requireString(effort, { where, name: `${name}.values[${index}]` }),
  );
  const unknown = values.find((effort, index) => !knownEfforts.includes(effort) || values.indexOf(effort) !== index);
  if (unknown !== undefined) {
    throw notTekken(
      where,
      `${name}.values has ${JSON.stringify(unknown)}, expected each of ${knownEfforts.join(', ')} once at most`,
    );
  }
  const chosen = requireString(fields['default'], { where, name: `${name}.default` });
  if (!values.includes(chosen))
    throw notTekken(where, `${name}.default is ${JSON.stringify(chosen)}, expected one of its values`);
  return { values, default: chosen };
}

function checkBuilder(
  value: unknown,
  { where, name, type }: { where: string; name: string; type: string },
): JsonObject {
  const fields = isObject(value) ? value : requireObject(value, { where, name });
  if (fields['type'] === undefined || fields['type'] === type) return fields;
  throw notTekken(where, `${name}.type is ${JSON.stringify(fields['type'])}, expected ${JSON.stringify(type)}`);
}
