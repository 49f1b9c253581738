import type { TokenizerVersion } from './tekken.ts';

/** What else is known of a model whose tokenizer file does not name its version. */
export interface VersionHints {
  chatTemplate?: string | undefined;
}

/**
 * The version, and with it the chat layout, that a chat template was written for. Without one it is v3, Pixtral-12B's,
 * unless the control tokens are of a later time.
 */
export function guessVersion({ chatTemplate }: VersionHints, controls: readonly string[]): TokenizerVersion {
  const isNamed = (name: string): boolean =>
    chatTemplate === undefined ? controls.includes(name) : chatTemplate.includes(name);
  if (chatTemplate?.startsWith('mistral-v7')) return 'v7'; // llama.cpp's short names
  // the frozen list of v3 has [SYSTEM_PROMPT] too, so only a template can tell v7
  if (isNamed('[ARGS]')) return isNamed('[CALL_ID]') && !isNamed('[THINK]') ? 'v11' : 'v13';
  return chatTemplate?.includes('[SYSTEM_PROMPT]') ? 'v7' : 'v3';
}
