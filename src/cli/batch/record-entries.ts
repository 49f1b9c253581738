import { PixtralError, reasonOf } from '../../base/errors.ts';
import { parseExactJson } from '../../base/exact-json.ts';
import { parseShallow } from '../../base/nesting.ts';
import { decodeUtf8 } from '../../base/text.ts';
import { listedSources } from '../../image/sources/expand.ts';
import type { RecordQuestion } from '../../asking/record-hash.ts';
import { batchRequest } from '../../wires/batch-request.ts';
import type { Fields } from '../../wires/fields.ts';
import { mistralRequest } from '../../wires/mistral-request.ts';
import type { RequestContext } from '../../wires/request.ts';
import type { BatchEntry, CommonQuestion } from './entry.ts';
import { plainQuestion } from './plain-record.ts';
import { type RecordLines, placeOf } from './record-lines.ts';
import { checkTemplate } from './template-fields.ts';

export interface RecordPlace {
  /** Of the file, or `standard input`. */
  name: string;
  /** Where paths in records begin. */
  folder: string;
}

/**
 * One record for each line that is not empty. A line that is no record becomes one that fails, with its number as id.
 * @throws PixtralError `usage` for a template with a field that no record has
 */
export async function recordEntries(
  lines: RecordLines,
  { place, common }: { place: RecordPlace; common: CommonQuestion },
): Promise<BatchEntry[]> {
  const reader = recordReader(place, common);
  const entries: BatchEntry[] = [];
  const fields = new Set<string>();
  let number = 0;
  for await (const { bytes, offset } of lines.lines()) {
    number++;
    const at = placeOf({ bytes, offset }, `${place.name}, line ${number}`);
    const found = lineEntry({ bytes, number, read: () => lines.read(at) }, reader);
    if (!found) continue;
    for (const field of found.fields) fields.add(field);
    entries.push(found.entry);
  }
  if (entries.length === 0) {
    throw new PixtralError('input', `${place.name}: holds no records, expected JSON objects, one a line`);
  }
  if (common.prompt !== undefined) checkTemplate(common.prompt, fields);
  return entries;
}

export interface RecordReader {
  place: RecordPlace;
  common: CommonQuestion;
  request: RequestContext;
}

export function recordReader(place: RecordPlace, common: CommonQuestion): RecordReader {
  const { folder } = place;
  const sources: RequestContext['sources'] = (url, where) => listedSources(url, { folder, where });
  return { place, common, request: { defaults: common, template: common.decisions?.template, sources, strict: true } };
}

/** The record of one line, and the names of its fields; undefined for an empty line. */
export function lineEntry(
  { bytes, number, read }: { bytes: Uint8Array; number: number; read: () => Promise<Uint8Array> },
  { place, common, request }: RecordReader,
): { entry: BatchEntry; fields: string[] } | undefined {
  if (isBlank(bytes)) return undefined;
  const where = `${place.name}, line ${number}`;
  const { style, endpoint, fields, id = lineId(number) } = peek(bytes, where);
  const question = async (): Promise<RecordQuestion> => {
    const line = { ...parseRecord(await read(), where), where };
    checkId(line.record, where);
    if (style === 'plain') return plainQuestion({ ...line, id, folder: place.folder }, { common, request });
    return style === 'mistral' ? mistralRequest(line, request) : batchRequest(line, request);
  };
  return { entry: { id, where, style, endpoint, question }, fields };
}

/** The id that a line's answer has; undefined for an empty line. */
export function recordId(
  bytes: Uint8Array,
  { name, number }: { name: string; number: number },
): string | number | undefined {
  return isBlank(bytes) ? undefined : (peek(bytes, name).id ?? lineId(number));
}

const lineId = (number: number): string => `line ${number}`;

function isBlank(bytes: Uint8Array): boolean {
  return bytes.byteLength < 1000 && new TextDecoder().decode(bytes).trim() === '';
}

/** What must be known of all records before the first is answered; what is wrong is said when its turn comes. */
function peek(
  bytes: Uint8Array,
  where: string,
): Pick<BatchEntry, 'style' | 'endpoint'> & { id?: string | number; fields: string[] } {
  try {
    const { record } = parseRecord(bytes, where);
    const style = styleOf(record);
    const id = record[idField(record)];
    const fields = Object.keys(record);
    const { url } = record;
    const seen = { style, fields, endpoint: typeof url === 'string' ? url : undefined } as const;
    return isId(id) ? { ...seen, id } : seen;
  } catch {
    return { style: 'plain', fields: [] };
  }
}

/** Lines of Mistral's batch jobs have neither method nor URL: both belong to the job. */
function styleOf(record: Record<string, unknown>): BatchEntry['style'] {
  if (!Object.hasOwn(record, 'custom_id')) return 'plain';
  const named = (['url', 'method'] as const).some((name) => Object.hasOwn(record, name));
  return Object.hasOwn(record, 'body') && !named ? 'mistral' : 'openai';
}

function idField(record: Record<string, unknown>): 'custom_id' | 'id' {
  return Object.hasOwn(record, 'custom_id') ? 'custom_id' : 'id';
}

/** Numbers beyond what JSON.parse keeps would be written as others: answers could not be told apart by them. */
function isId(id: unknown): id is string | number {
  if (typeof id !== 'number') return typeof id === 'string';
  return Number.isInteger(id) ? Number.isSafeInteger(id) : Number.isFinite(id);
}

/** @throws PixtralError `input` for an id that was given and cannot be kept; null is as good as absent */
function checkId(record: Record<string, unknown>, where: string): void {
  const field = idField(record);
  const id = record[field] ?? undefined;
  if (id === undefined || isId(id)) return;
  const shown = typeof id === 'number' ? String(id) : 'no text and no number';
  throw new PixtralError('input', `${where}: ${field}: is ${shown}, expected a text or a number of at most 15 digits`, {
    hint: 'put it in quotes',
  });
}

/** @throws PixtralError `input` for what is no JSON object */
export function parseRecord(bytes: Uint8Array, where: string): Pick<Required<Fields>, 'record' | 'exact'> {
  const text = decodeUtf8(bytes, where).replace(/^\ufeff/, '');
  let value: unknown;
  try {
    value = parseShallow(text);
  } catch (cause) {
    throw new PixtralError('input', `${where}: is no JSON: ${reasonOf(cause)}`, { cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return { record: value as Record<string, unknown>, exact: () => parseExactJson(text) };
  }
  throw new PixtralError('input', `${where}: is ${JSON.stringify(value).slice(0, 40)}, expected a JSON object`);
}
