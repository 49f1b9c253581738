import type { Template } from './template.ts';

/**
 * The layout of `template` as Jinja, for GGUF's `tokenizer.chat_template`, so that llama.cpp's own tools ask as we do.
 * A message's content may be a string or a list of text and image parts; an image prints as [IMG]. Messages are taken
 * to alternate: it merges no neighbours of one role and does not strip the spaces at an answer's end.
 */
export function chatTemplate({ systemPrompt }: Template): string {
  return `${content}\n${systemPrompt === 'in the last user turn' ? inLastUserTurn : inOwnTurn}`;
}

/** Adjacent texts become paragraphs; one image behind nothing but text moves to the front. */
const content = String.raw`{%- macro content(parts) -%}
    {%- if parts is string -%}
        {{- parts -}}
    {%- else -%}
        {%- set images = parts | rejectattr('type', 'equalto', 'text') | list -%}
        {%- if images | length == 1 and parts[-1].type != 'text' -%}
            {%- set parts = parts[-1:] + parts[:-1] -%}
        {%- endif -%}
        {%- for part in parts -%}
            {%- if part.type == 'text' -%}
                {%- if loop.index0 > 0 and parts[loop.index0 - 1].type == 'text' -%}
                    {{- '\n\n' -}}
                {%- endif -%}
                {{- part.text -}}
            {%- elif part.type == 'media_marker' -%}
                {{- part.text -}}
            {%- else -%}
                {{- '[IMG]' -}}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro -%}`;

// llama.cpp's tools without Jinja guess a template's kind: these two strings say v3-tekken to them, the one without spaces
// around the control tokens (llama-chat.cpp, llm_chat_detect_template).
const inLastUserTurn = String.raw`{#- Mistral v3 tekken; known by "[INST]" and [AVAILABLE_TOOLS] where Jinja is not. -#}
{%- set ns = namespace(system='', last_user=-1) -%}
{%- for message in messages -%}
    {%- if message.role == 'system' -%}
        {%- set ns.system = ns.system + content(message.content) + '\n\n' -%}
    {%- elif message.role == 'user' -%}
        {%- set ns.last_user = loop.index0 -%}
    {%- endif -%}
{%- endfor -%}
{{- bos_token -}}
{%- set spoken = messages | rejectattr('role', 'equalto', 'system') | list -%}
{%- if spoken | length == 0 or spoken[0].role != 'user' -%}
    {{- '[INST]' -}}
    {%- if ns.last_user < 0 -%}
        {{- ns.system -}}
    {%- endif -%}
    {{- '[/INST]' -}}
{%- endif -%}
{%- for message in messages -%}
    {%- if message.role == 'user' -%}
        {{- '[INST]' -}}
        {%- if loop.index0 == ns.last_user -%}
            {{- ns.system -}}
        {%- endif -%}
        {{- content(message.content) + '[/INST]' -}}
    {%- elif message.role == 'assistant' -%}
        {{- content(message.content) + eos_token -}}
    {%- endif -%}
{%- endfor -%}`;

const inOwnTurn = String.raw`{{- bos_token -}}
{%- for message in messages -%}
    {%- if message.role == 'system' -%}
        {{- '[SYSTEM_PROMPT]' + content(message.content) + '[/SYSTEM_PROMPT]' -}}
    {%- elif message.role == 'user' -%}
        {{- '[INST]' + content(message.content) + '[/INST]' -}}
    {%- elif message.role == 'assistant' -%}
        {{- content(message.content) + eos_token -}}
    {%- endif -%}
{%- endfor -%}`;
