import { PixtralError } from '../base/errors.ts';
import { type Fields, wrong } from './fields.ts';

/** Parameters that would change the answer, here or at another server, with the values that change nothing. */
const neutralValues: Readonly<Record<string, readonly unknown[]>> = {
  n: [1],
  stream: [false],
  frequency_penalty: [0],
  presence_penalty: [0],
  logit_bias: [{}],
  tools: [[]],
  functions: [[]],
  tool_choice: ['none', 'auto'],
  parallel_tool_calls: [true],
  function_call: ['none', 'auto'],
  modalities: [['text']],
  audio: [],
  web_search_options: [],
  verbosity: ['medium'],
  // Of the Responses API: nothing is kept here.
  store: [false],
  background: [false],
  previous_response_id: [],
  conversation: [],
  prompt: [],
  moderation: [],
  // Of other servers.
  best_of: [1],
  use_beam_search: [false],
  repetition_penalty: [1],
  min_tokens: [0],
  ignore_eos: [false],
  stop_token_ids: [[]],
  typical_p: [1],
  mirostat: [0],
  dry_multiplier: [0],
  xtc_probability: [0],
  tfs_z: [1],
  top_a: [0],
  echo: [false],
  suffix: [],
  add_generation_prompt: [true],
  continue_final_message: [false],
  chat_template: [],
  grammar: [],
  json_schema: [],
  guided_json: [],
  guided_regex: [],
  guided_choice: [],
  guided_grammar: [],
  structured_outputs: [],
  logits_processors: [[]],
  bad_words: [[]],
  length_penalty: [1],
  include_stop_str_in_output: [false],
  skip_special_tokens: [true],
  allowed_token_ids: [[]],
  truncate_prompt_tokens: [],
  chat_template_kwargs: [{}],
  mm_processor_kwargs: [{}],
  documents: [[]],
  regex: [],
  ebnf: [],
  n_predict: [-1],
  dynatemp_range: [0],
  samplers: [],
  // Of Mistral's API: each puts a system prompt of its own before the question.
  safe_prompt: [false],
  prompt_mode: [],
};

interface Known {
  /** Read elsewhere, or without effect on the answer. */
  known: readonly string[];
  /** What nobody has heard of may be a slip of the pen: refused in files, passed over where clients send what they like. */
  strict: boolean;
}

/** A parameter that would be passed over in silence and change the answer is refused by name. @throws PixtralError `input` */
export function checkParameters({ where, record }: Fields, { known, strict }: Known): void {
  for (const [name, value] of Object.entries(record)) {
    if (value === null || known.includes(name)) continue;
    const neutral = Object.hasOwn(neutralValues, name) ? neutralValues[name]! : undefined;
    if (!neutral && !strict) continue;
    if (!neutral || neutral.length === 0) throw new PixtralError('input', `${where}: ${name} is not supported`);
    const shown = neutral.map((one) => JSON.stringify(one));
    if (!shown.includes(JSON.stringify(value))) throw wrong(`${where}: ${name}`, value, shown.join(' or '));
  }
}
