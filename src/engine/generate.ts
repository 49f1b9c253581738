import type { DecoderContext } from '../decoder/context.ts';
import type { DecoderModel } from '../decoder/model.ts';
import { textStream } from '../tokenizer/stream.ts';
import type { Tekken } from '../tokenizer/tekken.ts';
import type { StageClock } from './clock.ts';
import type { Answer, AskOptions, EngineEvent } from './events.ts';
import { stopWatch } from './stop.ts';
import { type AnswerDetails, tokenSource } from './token-source.ts';

interface GenerateOptions {
  model: DecoderModel;
  /** Holds the whole prompt. */
  context: DecoderContext;
  tekken: Tekken;
  clock: StageClock;
}

/** Samples until `</s>`, a stop string, the token limit or the end of the context. Yields text as it is sure. */
export async function* generate(
  options: AskOptions,
  { model, context, tekken, clock }: GenerateOptions,
): AsyncGenerator<EngineEvent, { text: string; finish: Answer['finish']; tokens: number[]; details: AnswerDetails }> {
  const source = tokenSource(options, { model, tekken });
  const characters = textStream(tekken);
  const watch = stopWatch(options.stop);
  const tokens: number[] = [];
  let text = '';
  const whole = (finish: Answer['finish']) => ({ text, finish, tokens, details: source.details(text, finish) });
  const show = (piece: string): EngineEvent[] => {
    text += piece;
    return piece === '' ? [] : [{ kind: 'text', text: piece }];
  };
  try {
    let finish: Answer['finish'] = 'length';
    while (tokens.length < options.maxTokens) {
      const token = source.next(context);
      if (model.endsGeneration(token)) {
        finish = 'stop';
        break;
      }
      tokens.push(token);
      const seen = watch.push(characters.push(token));
      yield* show(seen.text);
      if (seen.stopped) return whole('stop-string');
      if (context.length >= context.contextSize || tokens.length >= options.maxTokens) break;
      await clock.time('decode_ms', () => context.appendIds([token], options.signal));
    }
    if (finish === 'length' && source.isFinished()) finish = 'stop';
    const last = watch.push(characters.end());
    yield* show(last.text);
    if (last.stopped) return whole('stop-string');
    yield* show(watch.end());
    return whole(finish);
  } finally {
    source.close();
  }
}
