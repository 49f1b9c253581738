import { samplingReceipt } from '../asking/sampling-receipt.ts';
import { PixtralError, reasonOf } from '../base/errors.ts';
import type { StageClock } from '../asking/clock.ts';
import type { Answer, AnswerCall, AskOptions, Question, ServerReceipt, ToolChoice } from '../asking/events.ts';
import { pictureReceipt } from '../asking/pictures/receipt.ts';
import type { AnswerFormat } from '../grammar/answer-format.ts';
import { grammarAllows } from '../grammar/grammar-allows.ts';
import { checkNesting } from '../grammar/nesting.ts';
import type { Json } from '../grammar/schema.ts';
import { imagesOf } from '../prompt/message.ts';
import { isWrapped } from './chat-request.ts';
import type { FoundServer } from './find-server.ts';
import { asObject, asText } from './json.ts';
import { countWarning, countedPictures } from './picture-tokens.ts';
import type { Reply } from './read-reply.ts';
import { serverKinds } from './server-kinds.ts';
import { textLogprobs } from './text-logprobs.ts';

interface AnswerParts {
  server: FoundServer;
  reply: Reply;
  /** A --stop that we have found ourselves. */
  ownStop: string | undefined;
  sent: ServerReceipt['sent'];
  attempts: number;
  clock: StageClock;
}

/**
 * A server's reply as the answer to a question, with what there is to know about it.
 * @throws PixtralError `input` when the tokens did not suffice for a form, `machine` when the server has not kept to it
 */
export function answerOf({ messages, options }: Question, parts: AnswerParts): Answer {
  const { server, reply, ownStop, sent, attempts, clock } = parts;
  const { format } = options;
  const pictures = messages.flatMap(({ content }) => imagesOf(content));
  const receipt = serverReceipt(messages, { server, reply, sent, attempts, more: logprobWarnings(options, parts) });
  const { expected, counted, check } = receipt.picture_tokens;
  const finish = ownStop !== undefined || reply.stopText !== undefined ? 'stop-string' : reply.finish;
  const answer: Answer = {
    model: server.model,
    text: reply.text,
    finish,
    images: pictures.map((picture) => ({ ...pictureReceipt(picture), cached: false })),
    ...(options.reasoning === 'show' && reply.thoughts !== '' && { reasoning: reply.thoughts }),
    ...(reply.calls.length > 0 && { tool_calls: [...reply.calls] }),
    usage: {
      prompt: reply.promptTokens ?? 0,
      image: counted ?? (check === 'differs' ? 0 : expected),
      completion: reply.completionTokens ?? 0,
      ...(reply.reasoningTokens !== undefined && reply.reasoningTokens > 0 && { reasoning: reply.reasoningTokens }),
    },
    timings: clock.timings,
    sampling: samplingReceipt(options),
    ...(options.logprobs !== undefined && { logprobs: textLogprobs(reply, ownStop) ?? [] }),
    server: receipt,
  };
  checkCalls(answer, { options, server });
  return format && !answer.tool_calls ? checked(answer, { format, server }) : answer;
}

/** Whether a tool is asked for where one must be. */
function checkCalls(
  { tool_calls: calls = [], finish }: Answer,
  { options, server }: { options: AskOptions; server: FoundServer },
): void {
  const { tools, toolChoice = 'auto' } = options;
  const problem = tools && finish === 'stop' ? callsProblem(calls, toolChoice) : undefined;
  if (problem !== undefined) throw broken(server, problem);
}

/** What is wrong with what a whole answer asks for, if anything is. */
export function callsProblem(calls: readonly AnswerCall[], toolChoice: ToolChoice): string | undefined {
  if (toolChoice === 'auto') return undefined;
  if (toolChoice === 'none') return calls.length > 0 ? 'a tool is asked for, expected none' : undefined;
  if (calls.length === 0) return 'no tool is asked for, expected one';
  if (toolChoice === 'required') return undefined;
  const other = calls.find((call) => call.function.name !== toolChoice.name);
  return other && `the tool ${shown(other.function.name)} is asked for, expected another`;
}

/** What was sent to a server, and what it counted. */
export function serverReceipt(
  messages: Question['messages'],
  { server, reply, sent, attempts, more = [] }: ReceiptParts,
): ServerReceipt {
  const counted = countedPictures(messages, { server, reply });
  const warning = countWarning(counted, { server, reply });
  const warnings = [...(warning === undefined ? [] : [warning]), ...more];
  return {
    url: server.address.name,
    kind: server.kind,
    ...(server.version !== undefined && { version: server.version }),
    sent,
    picture_tokens: counted,
    attempts,
    ...(warnings.length > 0 && { warnings }),
  };
}

interface ReceiptParts extends Pick<AnswerParts, 'server' | 'sent' | 'attempts'> {
  reply: Pick<Reply, 'promptTokens' | 'promptIds' | 'pictureTokens'>;
  /** Warnings beside that about the count. */
  more?: readonly string[];
}

/** How log-probabilities of a server differ from those of the model on this machine. */
function logprobWarnings({ format, logprobs }: AskOptions, { server, reply, ownStop }: AnswerParts): string[] {
  if (logprobs === undefined) return [];
  const warnings: string[] = [];
  // It takes the probabilities of all tokens that a grammar allows; servers tell a few.
  if (format && format.kind !== 'text')
    warnings.push('confidence is not told: it takes more of the distribution than a server shows');
  if (format && serverKinds[server.kind].logprobsOf === 'allowed')
    warnings.push('log-probabilities are of the tokens that the form allows, not of all');
  const told = reply.logprobs.length;
  if (reply.untoldLogprobs > 0)
    warnings.push(
      `log-probabilities are told of ${told} of ${told + reply.untoldLogprobs} tokens: those that are part of a character may be left out`,
    );
  if (textLogprobs(reply, ownStop) === undefined)
    warnings.push('log-probabilities are left out: which are of the text and which of thoughts cannot be told');
  return warnings;
}

/** Servers pass over keywords of schemas, and some over schemas: whatever they promise, it is looked at here. */
function checked(answer: Answer, { format, server }: { format: AnswerFormat; server: FoundServer }): Answer {
  if (answer.finish !== 'stop') {
    throw new PixtralError('input', `answer: was cut after ${answer.usage.completion} tokens, before it was whole`, {
      hint: 'raise --max-tokens, or ask for less: maxLength and maxItems in the schema set limits',
    });
  }
  switch (format.kind) {
    case 'json': {
      const data = parsed(answer.text, server);
      const problem = format.problem(data);
      if (problem !== undefined) throw broken(server, `the answer is not what the schema says: ${problem}`);
      return { ...answer, data };
    }
    case 'choice': {
      const text = isWrapped(format, server.kind) ? unwrapped(answer.text, server) : answer.text;
      if (!format.choices.includes(text)) throw broken(server, `the answer is none of the choices: ${shown(text)}`);
      return { ...answer, text };
    }
    case 'text':
      if (!grammarAllows(format.grammar, answer.text)) {
        throw broken(server, `the answer is not what the grammar says: ${shown(answer.text)}`);
      }
      return answer;
    default:
      return format satisfies never;
  }
}

function unwrapped(text: string, server: FoundServer): string {
  return asText(asObject(parsed(text, server))?.['choice']) ?? text;
}

function parsed(text: string, server: FoundServer): Json {
  try {
    checkNesting(text);
    return JSON.parse(text) as Json;
  } catch (thrown) {
    throw broken(server, `the answer is not JSON: ${reasonOf(thrown)}: ${shown(text)}`);
  }
}

function broken({ address, kind }: FoundServer, what: string): PixtralError {
  return new PixtralError('machine', `${address.name}: ${what}`, {
    hint: `${kind} has not kept to the form that it was asked for: a newer version of it may, the model on this machine does`,
  });
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}
