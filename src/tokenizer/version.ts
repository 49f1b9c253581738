import type { ImageConfig, TokenizerVersion } from './tekken.ts';

/** What is known from elsewhere of a model whose tokenizer file names no version and no image sizes. */
export interface VersionHints {
  chatTemplate?: string | undefined;
  image?: ImageConfig | undefined;
  /** Rows of the embedding, which may be more than there are tokens. */
  rows?: number | undefined;
}

/**
 * The version, and with it the chat layout, that a chat template was written for. Without a template it is v3,
 * Pixtral-12B's, unless the control tokens or the image sizes are of a later time.
 */
export function guessVersion({ chatTemplate, image }: VersionHints, controls: readonly string[]): TokenizerVersion {
  const isNamed = (name: string): boolean =>
    chatTemplate === undefined ? controls.includes(name) : chatTemplate.includes(name);
  if (chatTemplate?.startsWith('mistral-v7')) return 'v7'; // llama.cpp's short names
  if (isNamed('[ARGS]')) return isNamed('[CALL_ID]') && !isNamed('[THINK]') ? 'v11' : 'v13';
  // the frozen control tokens of v3 have [SYSTEM_PROMPT] too, so only a template tells
  if (chatTemplate !== undefined) return chatTemplate.includes('[SYSTEM_PROMPT]') ? 'v7' : 'v3';
  return (image?.spatialMergeSize ?? 1) > 1 ? 'v7' : 'v3';
}
