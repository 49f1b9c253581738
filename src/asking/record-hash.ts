import { createHash } from 'node:crypto';
import { PixtralError } from '../base/errors.ts';
import { writeExactJson } from '../base/exact-json.ts';
import { type Source, readSource } from '../image/sources/sources.ts';
import type { Message } from '../prompt/message.ts';
import { toolsJson } from '../prompt/tool-segments.ts';
import type { AskedDecisions, Decisions } from './decisions/question.ts';
import type { AskOptions } from './events.ts';
import { toldForm } from './told-form.ts';
import type { PictureOptions } from './pictures/picture-chunks.ts';

/** What one record asks. */
export interface RecordQuestion {
  messages: readonly Message<Source>[];
  /** Without a seed where one is drawn: an answer by another seed is as good. */
  options: Omit<AskOptions, 'signal' | 'seed'> & { seed: number | undefined };
  /** Asked about the messages' pictures in place of a free answer. */
  decisions?: AskedDecisions | undefined;
  detail: PictureOptions['detail'];
  /** Where the messages hold the words of their pictures' pages already. */
  text?: 'filled' | undefined;
}

/** With what it leaves to the model. */
export type SettledQuestion = Omit<RecordQuestion, 'decisions'> & { decisions?: Decisions | undefined };

interface HashedWith {
  job: string;
  /** Whether the model is told the schema of its answer. */
  tellsSchema?: boolean | undefined;
  pictures: Omit<PictureOptions, 'image'>;
}

/** Changes with all that an answer depends on: bytes of pictures, texts, options and the job's own hash. */
export async function recordHash(
  { messages, options, decisions, detail }: SettledQuestion,
  { job, tellsSchema = false, pictures }: HashedWith,
): Promise<string> {
  const asked: unknown[] = [];
  for (const { role, prefix, content, toolCalls, callId } of messages) {
    if (toolCalls || callId !== undefined) asked.push([role, callId, toolCalls]);
    for (const chunk of content) {
      if (chunk.kind === 'text') asked.push([role, prefix, chunk.text]);
      else if (chunk.kind === 'thinking') asked.push([role, prefix, chunk.kind, chunk.text, chunk.closed]);
      else asked.push([role, await sourceHash(chunk.image, pictures), chunk.image.selection]);
    }
  }
  const { maxTiles, maxPages, text } = pictures;
  const { onLoop, tellSchema: _, ...others } = options;
  const told = toldForm(options);
  const form = [
    ...(decisions ? [withoutFilter(decisions)] : []),
    ...(text === 'beside' ? ['text'] : []),
    ...(told === undefined ? [] : [{ told }]),
  ]; // as it was for all others
  const { format, tools } = others;
  const answered = {
    ...others,
    format: format && { kind: format.kind, grammar: format.grammar },
    ...(onLoop !== 'stop' && { onLoop }),
    ...(tools && { tools: toolsJson(tools) }),
    ...(tellsSchema && format?.kind === 'json' && { told: writeExactJson(format.told()) }),
  };
  return sha256(JSON.stringify([job, asked, answered, detail, detail === 'tiles' ? maxTiles : 0, maxPages, ...form]));
}

/** What of them is asked changes no answer. */
function withoutFilter(decisions: Decisions): object {
  const { filter: _, ...asked } = decisions;
  return asked;
}

/** A URL stands for itself: asking the network would make going on as slow as beginning. */
async function sourceHash(source: Source, options: Omit<PictureOptions, 'image'>): Promise<string> {
  if (source.kind === 'url') return source.at;
  try {
    return sha256(await readSource(source, options));
  } catch (thrown) {
    // Loading it will say what is wrong; once it is right the hash is another.
    if (thrown instanceof PixtralError) return thrown.code;
    throw thrown;
  }
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
