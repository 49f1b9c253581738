import { PixtralError } from '../base/errors.ts';
import type { RecordQuestion } from '../asking/record-hash.ts';
import { readAround } from './around.ts';
import { chatMessages } from './chat-messages.ts';
import { type Fields, samplingFields, samplingNames, wrong } from './fields.ts';
import { openAiForm } from './openai-form.ts';
import type { RequestContext } from './request.ts';

/** Told elsewhere, or without effect on the answer. */
const knownParameters = ['model', 'messages', 'stop', 'user', 'metadata', 'store', 'service_tier'].concat(
  ['response_format', 'structured_outputs', 'logprobs', 'top_logprobs', 'on_loop', 'tell_schema'], // by openAiForm and recordOptions
  ['tools', 'tool_choice', 'reasoning_effort', 'reasoning'], // read by readAround
);
/** Parameters whose only value here is the one that changes nothing. */
const neutralParameters: Record<string, unknown> = {
  n: 1,
  stream: false,
  frequency_penalty: 0,
  presence_penalty: 0,
  parallel_tool_calls: true,
};

/** The body of a request to OpenAI's `chat/completions`. */
export async function chatRequest(body: Fields, { defaults, sources }: RequestContext): Promise<RecordQuestion> {
  checkParameters(body);
  const { messages, details } = await chatMessages(body, sources);
  const options = {
    ...(await openAiForm(body, { ...defaults, options: samplingFields(body, defaults.options) })),
    ...readAround(body),
  };
  return { messages, options, detail: detailOf(details, { where: body.where, otherwise: defaults.detail }) };
}

/** A parameter that would be passed over in silence is refused by name. */
function checkParameters({ where, record }: Fields): void {
  for (const [name, value] of Object.entries(record)) {
    if (value === null || knownParameters.includes(name) || Object.hasOwn(samplingNames, name)) continue;
    const neutral = Object.hasOwn(neutralParameters, name) ? neutralParameters[name] : undefined;
    if (neutral === undefined) throw new PixtralError('input', `${where}: ${name} is not supported`);
    if (JSON.stringify(value) !== JSON.stringify(neutral))
      throw wrong(`${where}: ${name}`, value, JSON.stringify(neutral));
  }
}

/** One request's pictures are all seen alike here. */
function detailOf(
  details: readonly unknown[],
  { where, otherwise }: { where: string; otherwise: RecordQuestion['detail'] },
): RecordQuestion['detail'] {
  const low = details.filter((detail) => detail === 'low').length;
  if (low === 0) return otherwise;
  if (low === details.length) return 'low';
  throw new PixtralError(
    'input',
    `${where}: ${low} of ${details.length} images ask for detail low, expected all or none`,
  );
}
