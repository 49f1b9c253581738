import { PixtralError } from '../base/errors.ts';
import { type StageClock, stageClock } from '../asking/clock.ts';
import { combineOrders } from '../asking/decisions/combine-orders.ts';
import { decisionPrompt, rotationsOf, templateFor } from '../asking/decisions/decision-prompt.ts';
import { nextToRead } from '../asking/decisions/filter.ts';
import {
  type DecisionQuestion,
  type DecisionReading,
  type Decisions,
  optionsOf,
} from '../asking/decisions/question.ts';
import type { AskOptions, Decided, Question, TokenChoice } from '../asking/events.ts';
import { pictureReceipt } from '../asking/pictures/receipt.ts';
import type { Picture } from '../image/decoder/load.ts';
import { type Message, imagesOf } from '../prompt/message.ts';
import { type AskServerOptions, completion, completionOf } from './ask-server.ts';
import { serverReceipt } from './answer-of.ts';
import { ServerFault } from './fault.ts';
import { isDemo } from './grids.ts';
import { asCount, asList, asObject } from './json.ts';
import { pictureUris } from './picture-uris.ts';
import { type Reply, replyWriter } from './read-reply.ts';
import { readOptions } from './read-options.ts';
import { refuseStatus } from './reply-error.ts';
import { serverKinds } from './server-kinds.ts';

type Asking = Omit<AskServerOptions, 'stream'> & { decisions: Decisions; clock: StageClock };

/** What came of one question. */
interface Read {
  reading: DecisionReading;
  reply: Pick<Reply, 'promptTokens' | 'promptIds' | 'pictureTokens'>;
  /** Tokens; undefined where it was not told. */
  promptTokens: number;
}

/**
 * Asks a server to decide: pixtral serve by its own route, all questions in one request, and it reads options of several
 * tokens; others question by question, by the likeliest tokens at the beginning of an answer.
 * @throws as askServer does; PixtralError `usage` where the kind of server tells no probabilities
 */
export async function decideServer(
  { messages, decisions }: Question & { decisions: Decisions },
  options: Omit<AskServerOptions, 'stream'>,
): Promise<Decided> {
  const { server, attempts } = options;
  const { filter, questions } = decisions;
  const clock = stageClock();
  const pictures = messages.flatMap(({ content }) => imagesOf(content));
  for (const { milliseconds } of pictures) clock.add('image_ms', milliseconds);
  const asking = { ...options, decisions, clock };
  const read: Read[] = [];
  const ask = async (some: readonly DecisionQuestion[]): Promise<void> => {
    read.push(...(await decideSome(some, { messages, asking })));
  };
  if (filter) {
    const next = (): string | undefined =>
      nextToRead(
        { questions, filter },
        read.map(({ reading }) => reading),
      );
    for (let name = next(); name !== undefined; name = next()) {
      await ask(questions.filter((question) => question.name === name));
    }
  } else await ask(questions);
  const images = pictures.map((picture) => ({ ...pictureReceipt(picture), cached: false }));
  return {
    model: server.model,
    readings: read.map(({ reading }) => reading),
    images,
    usage: {
      prompt: read.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
      image: images.reduce((sum, { tokens }) => sum + tokens, 0),
    },
    timings: clock.timings,
    ...(read[0] && { server: serverReceipt(messages, { server, attempts, sent: sentOf(pictures), ...read[0] }) }),
  };
}

function sentOf(pictures: readonly Picture[]) {
  return pictures.map(({ grid: { width, height }, png }) => ({
    width,
    height,
    format: 'png' as const,
    bytes: png?.byteLength ?? 0,
  }));
}

interface One {
  messages: readonly Message<Picture>[];
  asking: Asking;
}

/** In the order of the questions. */
async function decideSome(questions: readonly DecisionQuestion[], one: One): Promise<Read[]> {
  if (questions.every((question) => isForRoute(question, one))) return decideByRoute(questions, one);
  const read: Read[] = [];
  for (const question of questions) {
    const isRoute = isForRoute(question, one);
    read.push(...(isRoute ? await decideByRoute([question], one) : [await decideByTokens(question, one)]));
  }
  return read;
}

/** What the route says of a question is what would be said here: its words, one order of the options. */
function isForRoute(question: DecisionQuestion, { messages, asking: { server, decisions } }: One): boolean {
  const isOwn = decisions.labels === 'words' && decisions.template === templateFor(isDemo(server.model) ? 'demo' : '');
  const isPlain = messages.every(({ content }) => content.every(({ kind }) => kind === 'image'));
  return server.kind === 'pixtral' && isOwn && isPlain && rotationsOf(question, decisions).length === 1;
}

const route = 'v1/decisions';

/** OpenAI's Decisions API, as pixtral serve has it. */
async function decideByRoute(questions: readonly DecisionQuestion[], { messages, asking }: One): Promise<Read[]> {
  const { server, connection, clock, signal } = asking;
  const { name } = server.address;
  const uris = pictureUris();
  const input = messages.map(({ role, content }) => ({
    role,
    content: content.map((chunk) => ({
      type: 'input_image',
      image_url: chunk.kind === 'image' ? uris.placeFor(chunk.image) : '',
    })),
  }));
  const body = uris.fill(JSON.stringify({ model: server.model, input, questions: questions.map(requestQuestion) }));
  const reply = await clock.time('decode_ms', () => connection.post(route, body, signal));
  if (reply.status !== 200) refuseStatus(reply, { name, model: server.model });
  const fields = asObject(completion(reply.text, name));
  const answers = asList(fields?.['answers']) ?? [];
  const promptTokens = asCount(asObject(fields?.['usage'])?.['input_tokens']);
  return questions.map((question, place) => {
    const answer = asObject(answers[place]);
    const reading = answer && routeReading(question, answer);
    if (!reading) throw new ServerFault('failed', `${name}: answered no decision`);
    const told = { promptTokens, promptIds: undefined, pictureTokens: undefined };
    return { reading, reply: told, promptTokens: place === 0 ? (promptTokens ?? 0) : 0 }; // it is that of all together
  });
}

function requestQuestion(question: DecisionQuestion) {
  const { name, type, instructions } = question;
  const described = optionsOf(question).map(({ value, description }) => ({
    [type === 'score' ? 'label' : 'value']: value,
    ...(description !== undefined && { description }),
  }));
  if (type === 'predicate') return { name, type, instructions };
  return { name, type, instructions, [type === 'choice' ? 'choices' : 'levels']: described };
}

function routeReading(question: DecisionQuestion, answer: Record<string, unknown>): DecisionReading | undefined {
  const { probability, probabilities: listed, mass, argmax_is_option: argmax } = answer;
  const told =
    question.type === 'predicate' && typeof probability === 'number'
      ? [probability, 1 - probability]
      : (asList(listed) ?? []).map((one) => asObject(one)?.['probability']);
  const probabilities = told.filter(isProbability);
  if (probabilities.length !== optionsOf(question).length || !isProbability(mass)) return undefined;
  return { question, probabilities, mass, argmaxIsOption: argmax === true, orderEffect: undefined };
}

/** Rounding leaves a little more than 1. */
function isProbability(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1.001;
}

/** One token is drawn for each order of the options, and its rivals looked at; behind options of several tokens one more. */
async function decideByTokens(question: DecisionQuestion, { messages, asking }: One): Promise<Read> {
  const { server, decisions } = asking;
  const { title, maxLogprobs, goesOn } = serverKinds[server.kind];
  const options = optionsOf(question).length;
  if (maxLogprobs === undefined || maxLogprobs < options) {
    throw new PixtralError(
      'usage',
      `--server: ${title}: question ${question.name}: has ${options} options, expected at most ${maxLogprobs ?? 0}: it tells no more probabilities`,
    );
  }
  const replies: Reply[] = [];
  const orders = [];
  for (const rotation of rotationsOf(question, decisions)) {
    const { text, labels } = decisionPrompt(question, { ...decisions, rotation });
    const asked = withText(messages, text);
    const next = async (begun: string): Promise<readonly TokenChoice[]> => {
      const reply = await nextToken(asked, { ...asking, begun, top: maxLogprobs });
      replies.push(reply);
      return choicesOf(reply, server.address.name);
    };
    const where = `${server.address.name}: question ${question.name}`;
    orders.push(await readOptions({ labels, where, next, goesOn: goesOn !== undefined }));
  }
  return {
    reading: combineOrders(question, orders),
    reply: replies[0]!,
    promptTokens: replies.reduce((sum, { promptTokens }) => sum + (promptTokens ?? 0), 0),
  };
}

/** Nothing is changed by sampling: what is told are the model's own log-probabilities. */
const plainSampling = { maxTokens: 1, temperature: 1, topP: 1, topK: 0, minP: 0, seed: 0, repeatPenalty: 1, stop: [] };

function choicesOf({ logprobs: [first] }: Reply, name: string): readonly TokenChoice[] {
  if (first && !('forced' in first)) return first.top;
  throw new PixtralError('machine', `${name}: tells no log-probabilities, which decisions are made of`);
}

/** The one behind what the answer begins with. */
async function nextToken(
  messages: readonly Message<Picture>[],
  { connection, server, signal, clock, begun, top }: Asking & { begun: string; top: number },
): Promise<Reply> {
  const options: AskOptions = { ...plainSampling, logprobs: top };
  const asking = { connection, server, signal, begun };
  const writer = replyWriter(server.address.name);
  writer.take(await clock.time('decode_ms', () => completionOf({ messages, options }, asking)));
  return writer.whole(false);
}

function withText(messages: readonly Message<Picture>[], text: string): Message<Picture>[] {
  const last = messages.at(-1)!;
  return [...messages.slice(0, -1), { ...last, content: [...last.content, { kind: 'text', text }] }];
}
