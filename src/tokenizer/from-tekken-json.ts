import { controlNames } from './control-tokens.ts';
import {
  type JsonObject,
  isObject,
  parseObject,
  requireArray,
  requireCount,
  requireObject,
  requireString,
} from './json.ts';
import { type ModelSettings, readModelSettings } from './model-settings.ts';
import { tekkenPattern } from './split.ts';
import { type ImageConfig, type Tekken, type TokenizerVersion, createTekken, tokenizerVersions } from './tekken.ts';
import { buildVocabulary, maxTokens, notTekken } from './vocabulary.ts';

/**
 * Reads Mistral's own tokenizer file, `tekken.json`. Settings for audio are passed over: no audio comes in.
 * @param where names the file in errors
 * @throws PixtralError('model') for anything that is not such a file
 */
export function tekkenFromJson(bytes: Uint8Array, where: string): Tekken {
  const file = parseObject(bytes, where);
  const config = requireObject(file['config'], { where, name: 'config' });
  const version = readVersion(config['version'], where);
  if (config['pattern'] !== tekkenPattern) {
    throw notTekken(where, 'config.pattern cuts text in another way than Tekken');
  }
  const size = requireCount(config['default_vocab_size'], { where, name: 'config.default_vocab_size', max: maxTokens });
  const controlCount = requireCount(config['default_num_special_tokens'], {
    where,
    name: 'config.default_num_special_tokens',
    max: size,
  });
  const words = requireArray(file['vocab'], { where, name: 'vocab' });
  const count = size - controlCount;
  if (words.length < count) throw notTekken(where, `vocab has ${words.length} entries, expected at least ${count}`);

  const vocabulary = buildVocabulary({
    where,
    controls: readControls(file['special_tokens'], { where, version, controlCount }),
    count,
    extras: [],
    byteLength: base64Length(words, count),
    write(rank, target, at) {
      const word = words[rank];
      const text = isObject(word) && word['rank'] === rank ? word['token_bytes'] : undefined;
      if (typeof text !== 'string' || text.length % 4 !== 0 || !base64.test(text)) {
        throw notTekken(where, `vocab[${rank}] is not a token of rank ${rank} with its bytes in base64`);
      }
      return target.write(text, at, 'base64');
    },
  });
  return createTekken({
    version,
    image: readImage(file, { where, version }),
    settings: readSettings(file['model_settings_builder'], { where, version }),
    vocabulary,
  });
}

const base64 = /^[A-Za-z0-9+/]+={0,2}$/;

function base64Length(words: readonly unknown[], count: number): number {
  let length = 0;
  for (let rank = 0; rank < count; rank++) {
    const word = words[rank];
    if (isObject(word) && typeof word['token_bytes'] === 'string') length += word['token_bytes'].length;
  }
  return length;
}

/** The first version that has settings must have them, all others must not. */
function readSettings(
  builder: unknown,
  { where, version }: { where: string; version: TokenizerVersion },
): ModelSettings | undefined {
  const isGiven = builder !== undefined && builder !== null;
  if (version === 'v15') {
    if (isGiven) return readModelSettings(builder, where);
    throw notTekken(where, 'model_settings_builder is missing, v15 must have it');
  }
  if (isGiven) throw notTekken(where, `model_settings_builder stands in a file of ${version}, which has none`);
  return undefined;
}

function readVersion(value: unknown, where: string): TokenizerVersion {
  const version = tokenizerVersions.find((known) => known === value);
  if (version !== undefined) return version;
  throw notTekken(where, `config.version is ${JSON.stringify(value)}, expected one of ${tokenizerVersions.join(', ')}`);
}

function readControls(
  listed: unknown,
  { where, version, controlCount }: { where: string; version: TokenizerVersion; controlCount: number },
): string[] {
  if (listed === undefined || listed === null) {
    const mayBeMissing = version === 'v3' || version === 'v7';
    if (!mayBeMissing) throw notTekken(where, `special_tokens is missing, ${version} must list them`);
    return fill(undefined);
  }
  return fill(
    requireArray(listed, { where, name: 'special_tokens' }).map((token, id) => {
      const name = `special_tokens[${id}]`;
      const { rank, token_str: text } = requireObject(token, { where, name });
      if (rank !== id) throw notTekken(where, `${name}.rank is ${JSON.stringify(rank)}, expected ${id}`);
      return requireString(text, { where, name: `${name}.token_str` });
    }),
  );

  function fill(names: readonly string[] | undefined): string[] {
    const all = controlNames(controlCount, names);
    if (all.length > controlCount) {
      throw notTekken(where, `${all.length} special tokens, but config.default_num_special_tokens is ${controlCount}`);
    }
    return all;
  }
}

/** `multimodal` is the name in files up to v11, `image` in all. */
function readImage(
  file: JsonObject,
  { where, version }: { where: string; version: TokenizerVersion },
): ImageConfig | undefined {
  const isOld = isObject(file['multimodal']);
  if (isOld && (version === 'v13' || version === 'v15')) {
    throw notTekken(where, `multimodal must be called image in ${version}`);
  }
  const name = isOld ? 'multimodal' : 'image';
  const image = file[name];
  if (image === undefined || image === null) return undefined;
  const values = requireObject(image, { where, name });
  const read = (key: string, value: unknown): number => {
    const read = requireCount(value, { where, name: `${name}.${key}`, max: 1 << 16 });
    if (read === 0) throw notTekken(where, `${name}.${key} is 0`);
    return read;
  };
  return {
    patchSize: read('image_patch_size', values['image_patch_size']),
    maxImageSize: read('max_image_size', values['max_image_size']),
    spatialMergeSize: read('spatial_merge_size', values['spatial_merge_size'] ?? 1),
  };
}
