import type { Context } from 'hono';
import { PixtralError } from '../../../base/errors.ts';
import type { Decided, Question } from '../../../engine/answers/events.ts';
import { defaultTemplate } from '../../../engine/decisions/decision-prompt.ts';
import type { Source } from '../../../image/sources/sources.ts';
import { schemeSource } from '../../../image/sources/sources.ts';
import type { Chunk, Message } from '../../../prompt/message.ts';
import { openAiDecision } from '../../../output/openai-decisions.ts';
import { asRecord, wrong } from '../../batch/record-fields.ts';
import { readQuestions } from '../../decide/question-json.ts';
import { type ServeContext, checkPictureUrl, readBody, readQuestion } from '../context.ts';

/** OpenAI's `POST /v1/decisions`. */
export async function decisions(c: Context, context: ServeContext): Promise<Response> {
  const { input, questions } = await readBody(c.req.raw);
  const gone = new AbortController();
  c.req.raw.signal.addEventListener('abort', () => gone.abort(new Error('the client went away')));
  const { options, detail } = context.common;
  const asked = {
    questions: readQuestions(questions, 'body: questions'),
    orders: 1,
    labels: 'words',
    template: context.engine.files.name === 'demo' ? '{question}' : defaultTemplate,
  } as const;
  const question = await readQuestion(
    { messages: readInput(input), options, decisions: asked, detail },
    { context, cancel: gone.signal },
  );
  const named = (Array.isArray(questions) ? (questions as unknown[]) : []).map((one) => isNamed(one));
  return c.json(openAiDecision(await decidedOf(question, context), named));
}

function isNamed(question: unknown): boolean {
  return typeof question === 'object' && question !== null && 'name' in question && typeof question.name === 'string';
}

async function decidedOf(question: Question, { queue, metrics }: ServeContext): Promise<Decided> {
  for await (const event of queue.ask(question)) {
    if (event.kind !== 'decided') continue;
    metrics.tokens(event.decided.usage.prompt, 0);
    return event.decided;
  }
  throw new PixtralError('machine', 'the engine gave no answer');
}

const roles: Readonly<Record<string, Message<Source>['role']>> = {
  user: 'user',
  system: 'system',
  developer: 'system',
  assistant: 'assistant',
};

/** A text, or messages of text and images; the questions follow the last one, which is the user's. */
function readInput(input: unknown): Message<Source>[] {
  if (typeof input === 'string') return [{ role: 'user', content: [{ kind: 'text', text: `${input}\n` }] }];
  if (!Array.isArray(input) || input.length === 0) throw wrong('body: input', input, 'a text or a list of messages');
  const messages = (input as unknown[]).map((value, index): Message<Source> => {
    const where = `body: input[${index}]`;
    const { role, content } = asRecord(value, where);
    const known = typeof role === 'string' && Object.hasOwn(roles, role) ? roles[role] : undefined;
    if (!known) throw wrong(`${where}: role`, role, `one of ${Object.keys(roles).join(', ')}`);
    const parts: unknown[] = Array.isArray(content) ? content : [{ type: 'input_text', text: content }];
    return { role: known, content: parts.map((part) => readPart(part, `${where}: content`)) };
  });
  if (messages.at(-1)!.role !== 'user')
    throw wrong('body: input', messages.at(-1)!.role, 'a message of the user at the end');
  return messages;
}

function readPart(part: unknown, where: string): Chunk<Source> {
  const { type, text, image_url: url } = asRecord(part, where);
  if ((type === 'input_text' || type === 'output_text' || type === 'text') && typeof text === 'string') {
    return { kind: 'text', text: `${text}\n` };
  }
  if (type !== 'input_image') throw wrong(where, part, 'a part of type input_text or input_image');
  checkPictureUrl(url, `${where}: image_url`);
  const source = typeof url === 'string' ? schemeSource(url) : undefined;
  if (!source) throw wrong(`${where}: image_url`, url, 'a data: URI or an http(s) URL');
  return { kind: 'image', image: source };
}
