import { PixtralError } from '../base/errors.ts';
import { createMerger } from './bpe.ts';
import { splitPieces } from './split.ts';
import { characterKinds } from './unicode.ts';
import type { ModelSettings } from './model-settings.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Versions of Mistral's tokenizer file; each has its own chat layout. */
export const tokenizerVersions = ['v3', 'v7', 'v11', 'v13', 'v15'] as const;
/** `v7-v13`: one of v7, v11 and v13, which differ in nothing but tools, where files of others do not tell which. */
export type TokenizerVersion = (typeof tokenizerVersions)[number] | 'v7-v13';

export interface ImageConfig {
  patchSize: number;
  maxImageSize: number;
  spatialMergeSize: number;
}

/**
 * Mistral's byte-level BPE tokenizer. Ids below `vocabulary.controls.length` are control tokens and never come out
 * of `encode`, nor do extra tokens; the others are rank + that length.
 */
export interface Tekken {
  readonly version: TokenizerVersion;
  /** All ids, control tokens included: 131072 for Pixtral-12B. */
  readonly vocabularySize: number;
  readonly image: ImageConfig | undefined;
  /** What a model of v15 is told beside the conversation. */
  readonly settings: ModelSettings | undefined;
  readonly vocabulary: Vocabulary;
  /** Ids of a text. Control-token look-alikes stay text; an unpaired surrogate counts as U+FFFD. */
  encode(text: string): number[];
  /** The pieces that well-formed UTF-8 is cut into before anything is merged, each with its ids. */
  pieces(text: Uint8Array): { start: number; ids: number[] }[];
  /** Text of ids. Control tokens are dropped; bytes that are not UTF-8 become U+FFFD. */
  decode(ids: readonly number[]): string;
  /** Bytes of an ordinary token, empty for a control token. */
  bytes(id: number): Uint8Array;
  /** A piece to show: a control token's name, a token's text, or `<0xE6>` for bytes that are only part of a character. */
  label(id: number): string;
  isControl(id: number): boolean;
  /** Id of a control token such as `[INST]`; PixtralError('model') when the vocabulary has none of that name. */
  id(name: string): number;
  find(name: string): number | undefined;
}

export function createTekken({
  version,
  image,
  settings,
  vocabulary,
}: Pick<Tekken, 'version' | 'image' | 'settings' | 'vocabulary'>): Tekken {
  const { controls, extras, where } = vocabulary;
  const firstExtra = controls.length + vocabulary.count;
  const vocabularySize = firstExtra + extras.length;
  const ids = new Map(controls.map((name, id) => [name, id]));
  const merge = createMerger(vocabulary);
  const kindOf = characterKinds();
  const utf8 = new TextEncoder();

  const isControl = (id: number): boolean =>
    id < controls.length || (id >= firstExtra && extras[id - firstExtra]?.kind !== 'text');

  function bytes(id: number): Uint8Array {
    if (!Number.isInteger(id) || id < 0 || id >= vocabularySize) {
      throw new PixtralError('model', `${where}: token id ${id}, expected 0 to ${vocabularySize - 1}`, {
        hint: 'the weights and the tokenizer do not belong together',
      });
    }
    if (isControl(id)) return new Uint8Array(0);
    return id < firstExtra ? vocabulary.bytes(id - controls.length) : utf8.encode(extras[id - firstExtra]!.name);
  }

  return {
    version,
    vocabularySize,
    image,
    settings,
    vocabulary,
    bytes,
    isControl,
    find: (name) => ids.get(name),

    encode(text) {
      const out: number[] = [];
      const textBytes = utf8.encode(text);
      splitPieces(textBytes, { kindOf, piece: (start, end) => merge({ bytes: textBytes, start, end, out }) });
      return out;
    },

    pieces(text) {
      const pieces: { start: number; ids: number[] }[] = [];
      const piece = (start: number, end: number): void => {
        const ids: number[] = [];
        merge({ bytes: text, start, end, out: ids });
        pieces.push({ start, ids });
      };
      splitPieces(text, { kindOf, piece });
      return pieces;
    },

    decode(tokenIds) {
      let text = '';
      let run: Uint8Array[] = [];
      for (const id of tokenIds) {
        const piece = bytes(id);
        if (!isControl(id)) run.push(piece);
        else if (run.length > 0) {
          // a character never continues across a control token
          text += fromUtf8(run);
          run = [];
        }
      }
      return text + fromUtf8(run);
    },

    label(id) {
      const piece = bytes(id);
      const name = controls[id] ?? extras[id - firstExtra]?.name;
      if (name !== undefined) return name;
      const text = fromUtf8([piece]);
      const isWhole = Buffer.compare(utf8.encode(text), piece) === 0;
      return isWhole
        ? text
        : [...piece].map((byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`).join('');
    },

    id(name) {
      const found = ids.get(name);
      if (found === undefined) {
        throw new PixtralError(
          'model',
          `${where}: no control token ${name}, which its chat layout (${version}) needs`,
          {
            hint: 'use the tokenizer file that came with the weights',
          },
        );
      }
      return found;
    },
  };
}

/** ignoreBOM: without it a text that starts with U+FEFF would lose it. */
function fromUtf8(pieces: readonly Uint8Array[]): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(pieces));
}
