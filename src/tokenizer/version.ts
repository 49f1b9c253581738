import { PixtralError } from '../base/errors.ts';
import { type ModelSettings, noSettings } from './model-settings.ts';
import type { ImageConfig, TokenizerVersion } from './tekken.ts';

/** What is known from elsewhere of a model whose tokenizer file names no version and no image sizes. */
export interface VersionHints {
  chatTemplate?: string | undefined;
  image?: ImageConfig | undefined;
  /** Rows of the embedding, which may be more than there are tokens. */
  rows?: number | undefined;
}

export interface ToldVersion {
  version: TokenizerVersion;
  settings: ModelSettings | undefined;
}

/**
 * The version, and with it the chat layout, that a chat template was written for, told by the control tokens that it
 * prints. Without a template it is v3, Pixtral-12B's, unless control tokens or image sizes are of a later time.
 * @throws PixtralError('model') where files contradict each other, or leave open how a conversation is laid out
 */
export function tellVersion(
  { chatTemplate, image }: VersionHints,
  { controls, where }: { controls: readonly string[]; where: string },
): ToldVersion {
  if (chatTemplate === undefined) return told(withoutTemplate(image, { controls, where }));
  const short = Object.keys(shortNames).find((name) => chatTemplate.startsWith(name));
  if (short !== undefined) return told(shortNames[short]!);
  const prints = (name: string): boolean => chatTemplate.includes(name);
  if (!prints('[INST]') && !prints('[SYSTEM_PROMPT]')) {
    throw untold(where, "its chat template is none of Mistral's: it prints no [INST]");
  }
  if (prints('[MODEL_SETTINGS]') && !controls.includes('[MODEL_SETTINGS]')) {
    throw untold(where, 'its chat template prints [MODEL_SETTINGS], which is none of its control tokens');
  }
  if (prints('[MODEL_SETTINGS]')) return { version: 'v15', settings: templateSettings(chatTemplate, where) };
  if (prints('[ARGS]')) return told(withArguments(prints, where));
  if (prints('[THINK]')) return told('v13');
  if (!prints('[SYSTEM_PROMPT]')) return told('v3');
  if (prints('[TOOL_CALLS]') || prints('[TOOL_CONTENT]')) return told('v7'); // a list: later ones have [ARGS]
  return told(controls.includes('[ARGS]') ? 'v7-v13' : 'v7');
}

const told = (version: TokenizerVersion): ToldVersion => ({ version, settings: undefined });

/** llama.cpp's names of templates, where it knows them without their text. */
const shortNames: Readonly<Record<string, TokenizerVersion>> = {
  'mistral-v3-tekken': 'v3',
  'mistral-v7': 'v7',
};

/** v11 has ids beside calls and results and knows no thoughts, v13 has no ids. */
function withArguments(prints: (name: string) => boolean, where: string): TokenizerVersion {
  if (!prints('[CALL_ID]') && !prints('[TOOL_CONTENT]')) return 'v13';
  if (!prints('[THINK]')) return 'v11';
  throw untold(where, 'its chat template lays tools out as v11 does, and thoughts as v13');
}

function withoutTemplate(
  image: ImageConfig | undefined,
  { controls, where }: { controls: readonly string[]; where: string },
): TokenizerVersion {
  if (controls.includes('[MODEL_SETTINGS]'))
    throw untold(where, 'it has no chat template, and may be of v13 or of v15');
  if (controls.includes('[ARGS]')) return 'v7-v13';
  // the frozen control tokens of v3 have [SYSTEM_PROMPT] too
  return (image?.spatialMergeSize ?? 1) > 1 ? 'v7' : 'v3';
}

/** The lines in which mistral-common's own templates name the efforts that a model knows. */
const defaultEffort = /\bset reasoning_effort = '(\w+)'/;
const allEfforts = /\breasoning_effort not in \[((?:'\w+'(?:, )?)+)\]/;

function templateSettings(template: string, where: string): ModelSettings {
  const jsonSchema = /\bresponse_format\b/.test(template);
  if (!template.includes('reasoning_effort')) return { ...noSettings, jsonSchema };
  const [chosen, listed] = [defaultEffort.exec(template)?.[1], allEfforts.exec(template)?.[1]];
  const values = listed?.split(', ').map((quoted) => quoted.slice(1, -1));
  if (chosen === undefined || values?.includes(chosen) !== true) {
    throw untold(where, 'its chat template has model settings, but does not name the efforts of reasoning');
  }
  return { reasoningEffort: { values, default: chosen }, jsonSchema };
}

function untold(where: string, why: string): PixtralError {
  return new PixtralError('model', `${where}: the version of the tokenizer cannot be told: ${why}`, {
    hint: "put the model's own tekken.json into the folder: it names its version",
  });
}
