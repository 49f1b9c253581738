import type { DecoderModel } from '../../src/decoder/model.ts';
import { Candidates } from '../../src/native/candidates.ts';
import type { Tekken } from '../../src/tokenizer/tekken.ts';
import { textFilter } from './text-filter.ts';

/** llama.cpp's own grammar sampler, which our masks are compared with. */
export function llamaGrammar(model: DecoderModel, { tekken, grammar }: { tekken: Tekken; grammar: string }) {
  const { llama } = model.native;
  const sampler = llama.samplerGrammar(model.vocab, grammar, 'root');
  if (sampler === null) throw new Error(`llama.cpp refuses ${grammar}`);
  const endsText = (id: number): boolean => model.endsGeneration(id);
  const filter = textFilter(tekken, { endsText });
  const candidates = new Candidates(model.config.vocabularySize);
  const noLogits = (): Float32Array => new Float32Array(model.config.vocabularySize);
  return {
    /** By id, whether it may come. */
    allowed(): boolean[] {
      candidates.fill(noLogits());
      llama.samplerApply(sampler, candidates.header);
      return candidates.kept().map((isKept, id) => isKept && !filter.never.includes(id) && filter.allows(id));
    },
    accept(id: number): void {
      llama.samplerAccept(sampler, id);
      filter.accept(id);
    },
    close: () => llama.samplerFree(sampler),
  };
}
