import type { AskedForm } from './asked-form.ts';
import { type SamplingName as ServerSamplingName, serverKinds } from '../../remote/server-kinds.ts';
import { strictSchema } from './strict-schema.ts';

/** Who runs batch jobs. */
export type HostName = 'openai' | 'mistral' | 'vllm';

export type SamplingName = ServerSamplingName | 'maxTokens';

export interface Host {
  /** One line of a job's file. */
  line: (customId: string, request: { model: string; body: object }) => object;
  /** Its names for what we know; a missing one cannot be asked of it. */
  parameters: Partial<Record<SamplingName, string>>;
  maxTemperature: number;
  maxStops: number;
  /** How it is told what an answer must be; undefined where it cannot. */
  form: (asked: AskedForm) => object | undefined;
  /** Goes on from the last message, the assistant's. */
  prefix: { message: object; body: object } | undefined;
}

const chatUrl = '/v1/chat/completions';

const openAiLine: Host['line'] = (customId, { model, body }) => ({
  custom_id: customId,
  method: 'POST',
  url: chatUrl,
  body: { model, ...body },
});

/**
 * Sources: OpenAI's reference of chat completions and of its Batch API, Mistral's of its own, vLLM 0.32's
 * ChatCompletionRequest.
 */
export const hosts: Readonly<Record<HostName, Host>> = {
  openai: {
    line: openAiLine,
    parameters: { maxTokens: 'max_completion_tokens', ...serverKinds.openai.sampling },
    maxTemperature: 2,
    maxStops: serverKinds.openai.maxStops,
    form: (asked) => responseFormat(asked, strictSchema),
    prefix: undefined,
  },
  mistral: {
    line: (customId, { body }) => ({ custom_id: customId, body }), // the model belongs to the job
    parameters: { maxTokens: 'max_tokens', ...serverKinds.mistral.sampling },
    maxTemperature: 1.5,
    maxStops: serverKinds.mistral.maxStops,
    form: (asked) => responseFormat(asked, () => true),
    prefix: { message: { prefix: true }, body: {} },
  },
  vllm: {
    line: openAiLine,
    parameters: { maxTokens: 'max_tokens', ...serverKinds.vllm.sampling },
    maxTemperature: Infinity,
    maxStops: serverKinds.vllm.maxStops,
    form: (asked) => {
      if (asked.kind === 'choices') return serverKinds.vllm.choices?.(asked.choices);
      if (asked.kind === 'grammar') return serverKinds.vllm.grammar?.(asked.grammar);
      return responseFormat(asked, () => true);
    },
    prefix: { message: {}, body: { continue_final_message: true, add_generation_prompt: false } },
  },
};

/** One of a few texts, where only objects can be asked for. */
export const choiceField = 'answer';

function responseFormat(asked: AskedForm, isStrict: (schema: unknown) => boolean): object | undefined {
  switch (asked.kind) {
    case 'object':
      return { response_format: { type: 'json_object' } };
    case 'schema':
      return named(asked.schema, isStrict(asked.schema));
    case 'choices':
      return named(
        {
          type: 'object',
          properties: { [choiceField]: { type: 'string', enum: asked.choices } },
          required: [choiceField],
          additionalProperties: false,
        },
        true,
      );
    case 'grammar':
      return undefined;
    default:
      return asked satisfies never;
  }
}

function named(schema: unknown, strict: boolean): object {
  return { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict } } };
}
