import type { Answerer } from './answerer.ts';
import type { Question } from './events.ts';
import { loadMessages } from './pictures/message-pictures.ts';
import type { PictureOptions } from './pictures/picture-chunks.ts';
import type { RecordQuestion, SettledQuestion } from './record-hash.ts';

export function settledQuestion(
  { decisions, ...others }: RecordQuestion,
  { decisionTemplate }: Pick<Answerer, 'decisionTemplate'>,
): SettledQuestion {
  if (!decisions) return others;
  return { ...others, decisions: { ...decisions, template: decisions.template ?? decisionTemplate } };
}

interface LoadingOptions {
  answerer: Pick<Answerer, 'image' | 'maxImageTokens' | 'takes'>;
  pictures: Omit<PictureOptions, 'image' | 'detail'>;
  signal: AbortSignal;
}

/** Reads its pictures: it is ready to be asked. @throws PixtralError `input` */
export async function loadQuestion(
  { messages, options, decisions, detail, text }: SettledQuestion,
  { answerer: { image, maxImageTokens, takes }, pictures, signal }: LoadingOptions,
): Promise<Question> {
  const reading = { ...pictures, detail, text: text ?? pictures.text, signal };
  const loaded = await loadMessages(messages, { ...reading, image, maxImageTokens, keep: takes });
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
  return { messages: loaded, options: { ...options, seed }, decisions };
}
