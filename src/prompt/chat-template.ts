import type { Tekken } from '../tokenizer/tekken.ts';
import { settingsJson } from './settings.ts';
import { templates } from './template.ts';
import { type ToolsTemplate, toolsTemplate } from './tools-template.ts';

/**
 * The layout of a tokenizer's version as Jinja, for GGUF's `tokenizer.chat_template`, so that llama.cpp's own tools ask
 * as we do. A message's content may be a string or a list of text, image and thinking parts; an image prints as [IMG].
 * Messages are taken to alternate: it merges no neighbours of one role and does not strip the spaces at an answer's end.
 * Settings are the model's own defaults.
 */
export function chatTemplate(tekken: Pick<Tekken, 'version' | 'settings'>): string {
  const { systemPrompt, textSeparator, allows, tools: layout } = templates[tekken.version];
  const separator = textSeparator.replaceAll('\n', '\\n');
  const macro = content({ separator, thinking: allows.assistant.includes('thinking') });
  const tools = toolsTemplate(layout);
  if (systemPrompt === 'in the last user turn') return `${macro}${tools.macros}\n${inLastUserTurn(tools)}`;
  return `${macro}${tools.macros}\n${inOwnTurn(tools, settingsJson({}, tekken))}`;
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
    {%- elif parts -%}
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
const inLastUserTurn = ({
  findTurn,
  definitions,
  calls,
  results,
}: ToolsTemplate): string => String.raw`{#- Mistral v3 tekken; known by "[INST]" and [AVAILABLE_TOOLS] where Jinja is not. -#}
{%- set system = namespace(text='') -%}
{%- for message in messages -%}
    {%- if message.role == 'system' -%}
        {%- set system.text = system.text + content(message.content) + '\n\n' -%}
    {%- endif -%}
{%- endfor -%}
${findTurn}{{- bos_token -}}
{%- set spoken = messages | rejectattr('role', 'equalto', 'system') | list -%}
{%- if spoken | length == 0 or spoken[0].role != 'user' -%}
    {%- if ns.defining < 0 -%}
        ${definitions}
    {%- endif -%}
    {{- '[INST]' -}}
    {%- if ns.defining < 0 -%}
        {{- system.text -}}
    {%- endif -%}
    {{- '[/INST]' -}}
{%- endif -%}
{%- for message in messages -%}
    {%- if message.role == 'user' -%}
        {%- if loop.index0 == ns.defining -%}
        ${definitions}
        {%- endif -%}
        {{- '[INST]' -}}
        {%- if loop.index0 == ns.defining -%}
            {{- system.text -}}
        {%- endif -%}
        {{- content(message.content) + '[/INST]' -}}
    {%- elif message.role == 'assistant' -%}
        {{- content(message.content) -}}
${calls}        {{- eos_token -}}
${results}    {%- endif -%}
{%- endfor -%}`;

const inOwnTurn = (
  { findTurn, definitions, calls, results }: ToolsTemplate,
  settings: string | undefined,
): string => String.raw`${findTurn}{{- bos_token -}}
{%- for message in messages -%}
    {%- if message.role == 'system' -%}
        {{- '[SYSTEM_PROMPT]' + content(message.content) + '[/SYSTEM_PROMPT]' -}}
    {%- elif message.role == 'user' -%}
${definitions === '' ? '' : before(definitions, settings)}        {{- '[INST]' + content(message.content) + '[/INST]' -}}
    {%- elif message.role == 'assistant' -%}
        {{- content(message.content) -}}
${calls}        {{- eos_token -}}
${results}    {%- endif -%}
{%- endfor -%}`;

const before = (
  definitions: string,
  settings: string | undefined,
): string => `        {%- if loop.index0 == ns.defining -%}
        ${definitions}
${settings === undefined ? '' : `            {{- '[MODEL_SETTINGS]${settings}[/MODEL_SETTINGS]' -}}\n`}        {%- endif -%}
`;
