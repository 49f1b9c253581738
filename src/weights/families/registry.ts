import { PixtralError } from '../../base/errors.ts';
import { type JsonObject, optionalString } from '../json.ts';
import type { Family } from './family.ts';
import { ministral3 } from './ministral-3.ts';
import { mistralSmall3 } from './mistral-small-3.ts';
import { pixtral } from './pixtral.ts';

/** All that can be converted: one line a family. */
const families: readonly Family[] = [pixtral, mistralSmall3, ministral3];

/** @throws PixtralError `model` where no family is built so */
export function familyOfParams(where: string, { merges, stretches }: Family['params']): Family {
  const found = families.find(({ params }) => params.merges === merges && params.stretches === stretches);
  if (found) return found;
  throw new PixtralError('model', `${where}: YaRN without a patch merger: no model of the family is built so`, {
    hint: `known are ${families.map(({ name }) => name).join(', ')}`,
  });
}

/** @throws PixtralError `model` for another kind of model */
export function familyOfConfig(config: JsonObject, text: JsonObject): Family {
  const [modelType, textType] = [optionalString(config, 'model_type'), optionalString(text, 'model_type')];
  const related = families.filter(({ huggingFace }) => huggingFace.modelType === modelType);
  if (related.length === 0) throw unknownType(config.where, { key: 'model_type', found: modelType, known: modelTypes });
  // A text_config without a type is one of Mistral's: what the config's class takes.
  const family = related.find(({ huggingFace }) => huggingFace.textType === (textType ?? 'mistral'));
  if (family) return family;
  const known = related.map(({ huggingFace }) => huggingFace.textType);
  throw unknownType(text.where, { key: 'model_type', found: textType, known });
}

const modelTypes = [...new Set(families.map(({ huggingFace }) => huggingFace.modelType))];

function unknownType(
  where: string,
  { key, found, known }: { key: string; found: string | undefined; known: readonly string[] },
): PixtralError {
  return new PixtralError('model', `${where}: ${key} is ${found ?? 'absent'}, expected ${known.join(' or ')}`, {
    hint: `of the families ${families.map(({ name }) => name).join(', ')} a folder can be converted`,
  });
}
