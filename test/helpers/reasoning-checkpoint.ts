import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointFolder } from './checkpoints.ts';
import { type ConvertedPair, convertedFolder } from './converted.ts';

/** Control tokens of v13 and v15 behind the frozen twenty. */
const later = ['[ARGS]', '[CALL_ID]', '[THINK]', '[/THINK]', '[MODEL_SETTINGS]', '[/MODEL_SETTINGS]'];

const builder = {
  reasoning_effort: { type: 'enum', accepts_none: true, values: ['none', 'high'], default: 'high' },
  json_schema: { type: 'json_schema', accepts_none: false, default: null },
};

/** The tiny checkpoint with random weights and a tokenizer that knows thoughts, as a GGUF pair. */
export async function reasoningPair(version: 'v13' | 'v15'): Promise<ConvertedPair> {
  const folder = await mkdtemp(join(tmpdir(), 'pixtral-reasoning-'));
  try {
    await cp(checkpointFolder('mistral'), folder, { recursive: true });
    const path = join(folder, 'tekken.json');
    const { config, multimodal, ...file } = JSON.parse(await readFile(path, 'utf8')) as Record<string, object>;
    const names = [...frozenTwenty(), ...later];
    const special_tokens = names.map((token_str, rank) => ({ rank, token_str, is_control: true }));
    const settings = version === 'v15' ? { model_settings_builder: builder } : {};
    await writeFile(
      path,
      JSON.stringify({ ...file, config: { ...config, version }, image: multimodal, special_tokens, ...settings }),
    );
    return await convertedFolder(folder, 'f32');
  } finally {
    await rm(folder, { recursive: true });
  }
}

function frozenTwenty(): string[] {
  const names = '<unk> <s> </s> [INST] [/INST] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_RESULTS] [/TOOL_RESULTS]';
  const more = '[TOOL_CALLS] [IMG] <pad> [IMG_BREAK] [IMG_END] [PREFIX] [MIDDLE] [SUFFIX] [SYSTEM_PROMPT]';
  return `${names} ${more} [/SYSTEM_PROMPT] [TOOL_CONTENT]`.split(' ');
}
