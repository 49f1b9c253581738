import { PixtralError } from '../base/errors.ts';
import type { RecordQuestion } from '../asking/record-hash.ts';
import { chatRequest } from './chat-request.ts';
import { type Fields, asRecord, exactPart } from './fields.ts';
import type { RequestContext } from './request.ts';

/** A line of Mistral's batch jobs: a body of its chat completions, OpenAI's but for a few words. */
export async function mistralRequest(line: Fields, context: RequestContext): Promise<RecordQuestion> {
  const { where, record } = line;
  const place = `${where}: body`;
  const body = asRecord(record['body'], place);
  const exact = () => exactPart(line, ['body']);
  const question = await chatRequest({ where: place, record: body, exact }, context);
  return withPrefix(question, { where: place, record: body });
}

/** The last message may be an answer that the model goes on with. */
function withPrefix(question: RecordQuestion, { where, record }: Fields): RecordQuestion {
  const prefixes = (record['messages'] as unknown[]).map((message) => asRecord(message, where)['prefix'] === true);
  const at = prefixes.indexOf(true);
  if (at < 0) return question;
  const last = question.messages.at(-1)!;
  if (at !== prefixes.length - 1 || last.role !== 'assistant') {
    throw new PixtralError(
      'input',
      `${where}: messages[${at}].prefix: is true, expected it of an assistant at the end`,
    );
  }
  return { ...question, messages: [...question.messages.slice(0, -1), { ...last, prefix: true }] };
}
