import type { Tekken } from '../tokenizer/tekken.ts';
import { settingsJson } from './settings.ts';
import { templates } from './template.ts';

/**
 * The layout of a tokenizer's version as Jinja, for GGUF's `tokenizer.chat_template`, so that llama.cpp's own tools ask
 * as we do. A message's content may be a string or a list of text, image and thinking parts; an image prints as [IMG].
 * Messages are taken to alternate: it merges no neighbours of one role and does not strip the spaces at an answer's end.
 * Tools are left out, settings are the model's own defaults.
 */
export function chatTemplate(tekken: Pick<Tekken, 'version' | 'settings'>): string {
  const { systemPrompt, textSeparator, allows } = templates[tekken.version];
  const separator = textSeparator.replaceAll('\n', '\\n');
  const macro = content({ separator, thinking: allows.assistant.includes('thinking') });
  if (systemPrompt === 'in the last user turn') return `${macro}\n${inLastUserTurn}`;
  return `${macro}\n${inOwnTurn(settingsJson({}, tekken))}`;
}

/** Adjacent texts become paragraphs; one image behind nothing but text moves to the front. */
const content = ({
  separator,
  thinking,
}: {
  separator: string;
  thinking: boolean;
}): string => String.raw`{%- macro content(parts) -%}
    {%- if parts is string -%}
        {{- parts -}}
    {%- else -%}
        {%- set images = parts | rejectattr('type', 'equalto', 'text') | list -%}
        {%- if images | length == 1 and parts[-1].type != 'text'${thinking ? " and parts[-1].type != 'thinking'" : ''} -%}
            {%- set parts = parts[-1:] + parts[:-1] -%}
        {%- endif -%}
        {%- for part in parts -%}
            {%- if part.type == 'text' -%}
${separator === '' ? '' : paragraphs(separator)}                {{- part.text -}}
            ${thinking ? thinkingPart : ''}{%- elif part.type == 'media_marker' -%}
                {{- part.text -}}
            {%- else -%}
                {{- '[IMG]' -}}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro -%}`;

const paragraphs = (
  separator: string,
): string => `                {%- if loop.index0 > 0 and parts[loop.index0 - 1].type == 'text' -%}
                    {{- '${separator}' -}}
                {%- endif -%}
`;

const thinkingPart = String.raw`{%- elif part.type == 'thinking' -%}
                {{- '[THINK]' + part.thinking -}}
                {%- if part.closed is not defined or part.closed -%}
                    {{- '[/THINK]' -}}
                {%- endif -%}
            `;

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

const inOwnTurn = (settings: string | undefined): string => String.raw`{{- bos_token -}}
${settings === undefined ? '' : firstUser}{%- for message in messages -%}
    {%- if message.role == 'system' -%}
        {{- '[SYSTEM_PROMPT]' + content(message.content) + '[/SYSTEM_PROMPT]' -}}
    {%- elif message.role == 'user' -%}
${settings === undefined ? '' : settingsBefore(settings)}        {{- '[INST]' + content(message.content) + '[/INST]' -}}
    {%- elif message.role == 'assistant' -%}
        {{- content(message.content) + eos_token -}}
    {%- endif -%}
{%- endfor -%}`;

const firstUser = '{%- set ns = namespace(settings=true) -%}\n';

const settingsBefore = (settings: string): string => `        {%- if ns.settings -%}
            {%- set ns.settings = false -%}
            {{- '[MODEL_SETTINGS]${settings}[/MODEL_SETTINGS]' -}}
        {%- endif -%}
`;
