import { PixtralError, reasonOf } from '../../base/errors.ts';
import { isTooDeep, maxNesting } from '../../base/nesting.ts';
import { decodeUtf8 } from '../../base/text.ts';
import { listedSources } from '../../image/sources/expand.ts';
import { batchRequest } from '../../wires/batch-request.ts';
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
  const { folder } = place;
  const request: RequestContext = {
    defaults: common,
    template: common.decisions?.template,
    sources: (url, where) => listedSources(url, { folder, where }),
  };
  const entries: BatchEntry[] = [];
  const fields = new Set<string>();
  let number = 0;
  for await (const { bytes, offset } of lines.lines()) {
    number++;
    const where = `${place.name}, line ${number}`;
    if (isBlank(bytes)) continue;
    const at = placeOf({ bytes, offset }, where);
    const seen = peek(bytes, where);
    for (const field of seen.fields) fields.add(field);
    entries.push({
      id: seen.id ?? `line ${number}`,
      where,
      style: seen.style,
      async question() {
        const record = parseRecord(await lines.read(at), where);
        checkId(record, where);
        if (seen.style === 'openai') return batchRequest({ record, where }, request);
        return plainQuestion({ record, id: seen.id ?? `line ${number}`, where, folder }, common);
      },
    });
  }
  if (entries.length === 0) {
    throw new PixtralError('input', `${place.name}: holds no records, expected JSON objects, one a line`);
  }
  if (common.prompt !== undefined) checkTemplate(common.prompt, fields);
  return entries;
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.byteLength < 1000 && new TextDecoder().decode(bytes).trim() === '';
}

/** What must be known of all records before the first is answered; what is wrong is said when its turn comes. */
function peek(
  bytes: Uint8Array,
  where: string,
): Pick<BatchEntry, 'style'> & { id?: string | number; fields: string[] } {
  try {
    const record = parseRecord(bytes, where);
    const style = Object.hasOwn(record, 'custom_id') ? 'openai' : 'plain';
    const id = record[idField(record)];
    const fields = Object.keys(record);
    return isId(id) ? { style, id, fields } : { style, fields };
  } catch {
    return { style: 'plain', fields: [] };
  }
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
export function parseRecord(bytes: Uint8Array, where: string): Record<string, unknown> {
  const text = decodeUtf8(bytes, where).replace(/^\ufeff/, '');
  let value: unknown;
  try {
    if (isTooDeep(text)) throw new Error(`is nested more than ${maxNesting} levels deep`);
    value = JSON.parse(text);
  } catch (cause) {
    throw new PixtralError('input', `${where}: is no JSON: ${reasonOf(cause)}`, { cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new PixtralError('input', `${where}: is ${JSON.stringify(value).slice(0, 40)}, expected a JSON object`);
}
