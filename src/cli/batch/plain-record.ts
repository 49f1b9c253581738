import { PixtralError } from '../../base/errors.ts';
import type { RecordQuestion } from '../../asking/record-hash.ts';
import { listedSources } from '../../image/sources/expand.ts';
import type { Source } from '../../image/sources/sources.ts';
import type { AskedDecisions } from '../../asking/decisions/question.ts';
import type { Chunk, Message } from '../../prompt/message.ts';
import { fieldNames } from '../../prompt/fields.ts';
import { readQuestions } from '../../wires/question-json.ts';
import type { CommonQuestion, RecordLine } from './entry.ts';
import { withSystem } from './picture-entries.ts';
import { reasonings } from '../../wires/around.ts';
import { chatRequest } from '../../wires/chat-request.ts';
import type { RequestContext } from '../../wires/request.ts';
import { optionalText, samplingFields, textList } from '../../wires/fields.ts';
import { plainForm } from './record-form.ts';
import { templateMessage } from './template-fields.ts';

/**
 * `{"images": [...], "prompt": "...", "system": "..."}`: what it says itself wins over the command line, unless that
 * one's prompt takes the record's in as {prompt}. Its own prompt is a file's text: nothing in it is a field or a place.
 */
export async function plainQuestion(
  line: RecordLine,
  { common, request }: { common: CommonQuestion; request: RequestContext },
): Promise<RecordQuestion> {
  if (Array.isArray(line.record['messages'])) return chatRecord(line, request);
  const images = await recordImages(line);
  if (common.decisions || line.record['questions'] !== undefined) return decisionRecord(line, { images, common });
  const own = optionalText(line, 'prompt');
  const { prompt, detail } = common;
  const system = optionalText(line, 'system') ?? common.system;
  const options = {
    ...(await plainForm(line, { ...common, options: samplingFields(line, common.options) })),
    ...ownReasoning(line),
  };
  refuseTools(line, prompt);
  const isTemplate = prompt !== undefined && (own === undefined || fieldNames(prompt).includes('prompt'));
  if (!isTemplate && own === undefined) {
    throw new PixtralError('input', `${line.where}: has no prompt`, {
      hint: '-p "..." gives one to all records without; their field is "prompt"',
    });
  }
  if (isTemplate) {
    const { user, text } = await templateMessage({ ...line, images, fields: line.record }, { ...common, prompt });
    return { messages: withSystem([user], system), options, detail, text };
  }
  const user: Message<Source> = { role: 'user', content: [...images.map(asChunk), { kind: 'text', text: own! }] };
  return { messages: withSystem([user], system), options, detail };
}

/** `{"messages": [...], "tools": [...]}`: a conversation, in the words of OpenAI's chat completions. */
function chatRecord({ where, record, exact }: RecordLine, request: RequestContext): Promise<RecordQuestion> {
  const { id: _, ...body } = record;
  return chatRequest({ where, record: body, exact }, request);
}

/** Definitions of tools that nobody would be told of; a column of this name may fill the prompt. */
function refuseTools({ record, where }: RecordLine, prompt: string | undefined): void {
  const { tools } = record;
  const isDefinition = (tool: unknown) => typeof tool === 'object' && tool !== null && Object.hasOwn(tool, 'function');
  const areDefinitions = Array.isArray(tools) && tools.some(isDefinition);
  if (!areDefinitions || (prompt !== undefined && fieldNames(prompt).includes('tools'))) return;
  throw new PixtralError('input', `${where}: tools: stand beside a prompt, expected them beside messages`, {
    hint: 'ask by "messages": [{"role": "user", "content": ...}], as in a chat completion',
  });
}

/** Other texts of these names are fields like any other. */
function ownReasoning(line: RecordLine): Pick<RecordQuestion['options'], 'reasoning' | 'reasoningEffort'> {
  const reasoning = reasonings.find((one) => one === line.record['reasoning']);
  const reasoningEffort = optionalText(line, 'reasoning_effort');
  return { ...(reasoning && { reasoning }), ...(reasoningEffort !== undefined && { reasoningEffort }) };
}

/** `{"images": [...], "questions": [...]}`: probabilities in place of a text. */
function decisionRecord(
  line: RecordLine,
  { images, common }: { images: readonly Source[]; common: CommonQuestion },
): RecordQuestion {
  const { options, detail, decisions: shared } = common;
  const own = line.record['questions'] ?? undefined;
  const base = shared ?? { questions: [], orders: 1, labels: 'words', template: undefined };
  const decisions: AskedDecisions =
    own === undefined
      ? base
      : { ...base, questions: readQuestions(own, `${line.where}: questions`), filter: undefined };
  const text = optionalText(line, 'input') ?? optionalText(line, 'prompt');
  const content: Chunk<Source>[] = images.map(asChunk);
  if (text !== undefined) content.push({ kind: 'text', text: `${text}\n` });
  const system = optionalText(line, 'system') ?? common.system;
  return { messages: withSystem([{ role: 'user', content }], system), options, decisions, detail };
}

const asChunk = (image: Source) => ({ kind: 'image', image }) as const;

/** A record that names its picture in some other field would be answered blind. */
async function recordImages({ record, where, folder }: RecordLine): Promise<Source[]> {
  const named = record['images'] ?? record['image'] ?? undefined;
  if (named === undefined) {
    throw new PixtralError('input', `${where}: has no images`, {
      hint: 'their field is "images", a list of paths or URLs; "images": [] asks without any',
    });
  }
  const sources: Source[] = [];
  for (const word of textList(named, `${where}: images`))
    sources.push(...(await listedSources(word, { folder, where })));
  return sources;
}
