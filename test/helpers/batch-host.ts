import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A line of a job, as far as a host reads it. */
export interface JobLine {
  custom_id: string;
  method?: string;
  url?: string;
  body: {
    model?: string;
    messages: { role: string; content: string | ContentPart[]; prefix?: boolean }[];
    [parameter: string]: unknown;
  };
}

interface ContentPart {
  type: string;
  text?: string;
  image_url?: { url: string; detail?: string };
}

/** All lines of a folder's jobs, in order. */
export async function jobLines(folder: string): Promise<JobLine[]> {
  const names = (await readdir(folder)).filter((name) => /^job-\d+\.jsonl$/.test(name)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.flatMap((text) => text.trimEnd().split('\n')).map((line) => JSON.parse(line) as JobLine);
}

/** The words of a line's last message. */
export function wordsOf({ body }: JobLine): string {
  const content = body.messages.at(-1)!.content;
  return typeof content === 'string' ? content : content.map(({ text }) => text ?? '').join('');
}

/** Result lines in the shapes of the hosts' documentation. */
export const resultLine = {
  answer(
    customId: string,
    text: string,
    { finish = 'stop', prompt = 50, created = 1, message = {}, logprobs = null as object | null } = {},
  ): string {
    const said = { role: 'assistant', content: text, ...message };
    const choice = { index: 0, message: said, finish_reason: finish, logprobs };
    const usage = { prompt_tokens: prompt, completion_tokens: 3, total_tokens: prompt + 3 };
    const body = {
      id: `c${created}`,
      object: 'chat.completion',
      created,
      model: 'px-served',
      choices: [choice],
      usage,
    };
    const response = { status_code: 200, request_id: `r${created}`, body };
    return JSON.stringify({ id: `batch_req_${created}`, custom_id: customId, response, error: null });
  },
  /** OpenAI's error file. */
  refused(customId: string, status = 400): string {
    const body = { error: { message: 'Invalid image.', type: 'invalid_request_error', code: 'invalid_image' } };
    return JSON.stringify({ id: 'b', custom_id: customId, response: { status_code: status, body }, error: null });
  },
  /** OpenAI's, of a job that ran out of time. */
  expired(customId: string): string {
    const error = { code: 'batch_expired', message: 'This request could not be executed before the window expired.' };
    return JSON.stringify({ id: 'b', custom_id: customId, response: null, error });
  },
  /** vLLM's. */
  vllm(customId: string): string {
    const error = { error: { message: 'The decoder prompt is too long', type: 'BadRequestError', code: 400 } };
    return JSON.stringify({ id: 'vllm-1', custom_id: customId, response: { status_code: 400, body: null }, error });
  },
};
