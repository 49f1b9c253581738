import type { ToolLayout } from './template.ts';

/** Jinja statements of a chat template that lays tools out. */
export interface ToolsTemplate {
  /** Before everything. */
  macros: string;
  /** Sets `ns.defining` to the turn of the user before which definitions stand, -1 where there is none. */
  findTurn: string;
  /** Prints the definitions. */
  definitions: string;
  /** Prints the calls of `message`, an answer. */
  calls: string;
  /** A branch for a `message` of a tool. */
  results: string;
}

/**
 * Arguments and results are JSON: as Python writes it where they come as values, as they stand where they come as texts.
 * Results keep the order in which they are given.
 */
export function toolsTemplate(layout: ToolLayout | undefined): ToolsTemplate {
  if (layout === undefined) return unknownTools;
  return {
    macros: macros[layout.results === 'JSON of content and id' ? 'withResults' : 'plain'],
    findTurn: findTurn[layout.definedBefore],
    definitions,
    calls: calls[layout.calls],
    results: results[layout.results],
  };
}

/** A request with tools fails where they would be left out in silence. */
const unknownTools: ToolsTemplate = {
  macros: '',
  findTurn: `{%- if tools is defined and tools -%}
    {{- raise_exception('how this model is told of tools is not known') -}}
{%- endif -%}
`,
  definitions: '',
  calls: '',
  results: '',
};

const json = `
{%- macro json(value) -%}
    {%- if value is string and value -%}
        {{- value -}}
    {%- elif value -%}
        {{- value | tojson -}}
    {%- else -%}
        {{- '{}' -}}
    {%- endif -%}
{%- endmacro -%}`;

const macros = {
  plain: json,
  // Jinja cannot parse JSON: this tells what is most likely some, and is printed as it stands
  withResults: `${json}
{%- macro result(text) -%}
    {%- set ends = text[:1] + text[-1:] -%}
    {%- if ends in ['{}', '[]'] or text in ['true', 'false', 'null'] or text | int | string == text -%}
        {{- text -}}
    {%- else -%}
        {{- text | tojson -}}
    {%- endif -%}
{%- endmacro -%}`,
};

const turnBefore = (more: string): string => `{%- set ns = namespace(defining=-1) -%}
{%- for message in messages -%}
    {%- if message.role == 'user'${more} -%}
        {%- set ns.defining = loop.index0 -%}
    {%- endif -%}
{%- endfor -%}
`;

const findTurn: Readonly<Record<ToolLayout['definedBefore'], string>> = {
  'first user turn': turnBefore(' and ns.defining < 0'),
  'last user turn': turnBefore(''),
};

const definitions = `{%- if tools is defined and tools -%}
            {{- '[AVAILABLE_TOOLS][' -}}
            {%- for tool in tools -%}
                {%- set told = tool.function -%}
                {{- '{"type": "function", "function": {"name": ' + (told.name | tojson) -}}
                {{- ', "description": ' + ((told.description or '') | tojson) -}}
                {{- ', "parameters": ' + json(told.parameters) + '}}' -}}
                {%- if not loop.last -%}
                    {{- ', ' -}}
                {%- endif -%}
            {%- endfor -%}
            {{- '][/AVAILABLE_TOOLS]' -}}
        {%- endif -%}`;

const single = (id: string): string => `        {%- for call in message.tool_calls or [] -%}
            {{- '[TOOL_CALLS]' + call.function.name -}}${id}
            {{- '[ARGS]' + json(call.function.arguments) -}}
        {%- endfor -%}
`;

const calls: Readonly<Record<ToolLayout['calls'], string>> = {
  list: `        {%- if message.tool_calls -%}
            {{- '[TOOL_CALLS][' -}}
            {%- for call in message.tool_calls -%}
                {{- '{"name": ' + (call.function.name | tojson) -}}
                {{- ', "arguments": ' + json(call.function.arguments) -}}
                {%- if call.id -%}
                    {{- ', "id": ' + (call.id | tojson) -}}
                {%- endif -%}
                {{- '}' -}}
                {%- if not loop.last -%}
                    {{- ', ' -}}
                {%- endif -%}
            {%- endfor -%}
            {{- ']' -}}
        {%- endif -%}
`,
  'name, id, arguments': single(`
            {%- if call.id -%}
                {{- '[CALL_ID]' + call.id -}}
            {%- endif -%}`),
  'name, arguments': single(''),
};

const resultsOf = (printed: string): string => `    {%- elif message.role == 'tool' -%}
        {{- '[TOOL_RESULTS]' + ${printed} + '[/TOOL_RESULTS]' -}}
`;

const results: Readonly<Record<ToolLayout['results'], string>> = {
  'JSON of content and id': resultsOf(
    `'{"content": ' + result(content(message.content)) + ', "call_id": ' + ((message.tool_call_id or '') | tojson) + '}'`,
  ),
  'id, content': resultsOf("(message.tool_call_id or '') + '[TOOL_CONTENT]' + content(message.content)"),
  content: resultsOf('content(message.content)'),
};
