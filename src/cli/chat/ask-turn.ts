import type { EngineEvent } from '../../asking/events.ts';
import { type AnswerFormat, schemaFormat } from '../../grammar/answer-format.ts';
import { showAnswer } from '../../output/answer.ts';
import { type StageReporter, stageReporter } from '../../output/progress.ts';
import { warnOfServer } from '../../output/server-warnings.ts';
import { freeText } from '../free-text.ts';
import { type Chat, change } from './chat.ts';
import { checkRoom } from './context-use.ts';
import { type Part, messagesOf, withPending } from './session.ts';
import { hasColor } from '../io.ts';
import { autosave } from './transcript-file.ts';

/**
 * Asks a question with the pictures that wait for one, and shows its answer as it comes. Ctrl-C leaves what was said as
 * the answer; without a word of it the question stays unanswered, as after an error.
 */
export async function askTurn(chat: Chat, said: readonly Part[], interrupt: AbortSignal): Promise<void> {
  const question = withPending(chat.session, said);
  const heard: Heard = { text: '', calls: false, isWhole: false };
  try {
    checkRoom(chat, question);
    await showQuestion(chat, { question, heard, interrupt });
  } catch (thrown) {
    const isCut = interrupt.aborted && !chat.io.signal.aborted;
    if (isCut && heard.text !== '') chat.io.stdout.write('\n');
    if (!isCut || heard.text === '') {
      change(chat, { kind: 'unanswered', question });
      if (!isCut) throw thrown;
      return chat.note('interrupted before a word was said: /retry asks again\n');
    }
  }
  if (heard.text === '') {
    change(chat, { kind: 'unanswered', question });
    const asks = heard.calls
      ? 'the model asks for tools, which a chat does not have'
      : 'the model ended without a word';
    return chat.note(`${asks}: /retry asks again\n`);
  }
  const interrupted = !heard.isWhole;
  change(chat, { kind: 'answered', question, answer: { text: heard.text, interrupted } });
  if (interrupted) chat.note('interrupted: the answer is kept as far as it goes; /retry asks again\n');
  await autosave(chat);
}

/** What of an answer has come. */
interface Heard {
  text: string;
  /** Tools were asked for. */
  calls: boolean;
  isWhole: boolean;
}

async function showQuestion(
  chat: Chat,
  { question, heard, interrupt }: { question: readonly Part[]; heard: Heard; interrupt: AbortSignal },
): Promise<void> {
  const { flags, io, session, partner } = chat;
  const seed = flags.seed ?? Math.floor(Math.random() * 2 ** 32);
  chat.lastSeed = seed;
  const { stop } = flags;
  const options = { ...freeText(flags), stop, seed, format: formatOf(chat) };
  const reporter = reporterOf(chat);
  try {
    const events = partner.answerer.ask({ messages: messagesOf(session, question), options }, interrupt);
    await showAnswer(listened(events, { heard, chat }), {
      stdout: io.stdout,
      stderr: io.stderr,
      reporter,
      json: flags.json === true,
      color: hasColor(flags, io),
    });
  } finally {
    reporter.stop();
  }
}

function formatOf({ session: { schema } }: Chat): AnswerFormat | undefined {
  return schema && schemaFormat(schema.text, schema.named);
}

function reporterOf({ flags, io }: Chat): StageReporter {
  return stageReporter(io.stderr, {
    verbose: flags.verbose === true,
    quiet: flags.json === true,
    color: hasColor(flags, io),
  });
}

async function* listened(
  events: AsyncIterable<EngineEvent>,
  { heard, chat }: { heard: Heard; chat: Chat },
): AsyncGenerator<EngineEvent, void> {
  for await (const event of events) {
    if (event.kind === 'text') heard.text += event.text;
    if (event.kind === 'answer') {
      const { text, tool_calls: calls } = event.answer;
      Object.assign(heard, { text, calls: calls !== undefined, isWhole: true });
    }
    yield event;
    if (event.kind === 'answer') warnOfServer(event.answer, { write: (lines) => chat.note(lines), json: false });
  }
}
