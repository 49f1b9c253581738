import type { RecordQuestion } from '../asking/record-hash.ts';
import { readAround } from './around.ts';
import { chatMessages } from './chat-messages.ts';
import { type Fields, samplingFields, samplingNames } from './fields.ts';
import { openAiForm } from './openai-form.ts';
import { checkParameters } from './parameters.ts';
import { requestDetail } from './request-detail.ts';
import type { RequestContext } from './request.ts';

/** Read here, or without effect on the answer. */
const known = Object.keys(samplingNames).concat(
  ['model', 'messages', 'stop', 'user', 'metadata', 'store', 'service_tier'],
  ['response_format', 'structured_outputs', 'logprobs', 'top_logprobs', 'on_loop', 'tell_schema'], // by openAiForm and recordOptions
  ['tools', 'tool_choice', 'reasoning_effort', 'reasoning'], // read by readAround
);

/** The body of a request to OpenAI's `chat/completions`. */
export async function chatRequest(
  body: Fields,
  { defaults, sources, strict }: RequestContext,
): Promise<RecordQuestion> {
  checkParameters(body, { known, strict });
  const { messages, details } = await chatMessages(body, sources);
  const options = {
    ...(await openAiForm(body, { ...defaults, options: samplingFields(body, defaults.options) })),
    ...readAround(body),
  };
  return { messages, options, detail: requestDetail(details, { where: body.where, otherwise: defaults.detail }) };
}
