import { keyOfStep } from '../base/json-pointer.ts';
import type { Alternative, Answer } from '../asking/events.ts';

/** What of a line of `batch` is for a person to check. */
interface ReviewFields {
  /** Of the line; undefined when it is none of ours. */
  id: string | undefined;
  fields: { field: string; confidence: number }[];
}

/** Fields that are less sure than `review`, the least certain first. */
export function unsureIn(line: string, review: number): ReviewFields {
  const { id, answer } = readLine(line);
  const fields = Object.entries(answer?.confidence ?? {}).map(([field, confidence]) => ({ field, confidence }));
  return {
    id: id === undefined ? undefined : String(id),
    fields: fields
      .filter(({ confidence }) => confidence < review)
      .toSorted((one, other) => one.confidence - other.confidence),
  };
}

/** A record with what of it should be checked, as one line of JSON without its end. */
export function reviewLine(line: string, review: number): string {
  const { id, answer } = readLine(line);
  const fields = unsureIn(line, review).fields.map(({ field, confidence }) => ({
    field,
    value: valueAt(answer?.text ?? '', field),
    confidence,
    alternatives: answer?.alternatives?.[field] ?? [],
  }));
  const images = (answer?.images ?? []).map(({ source, page }) => ({ source, ...(page !== undefined && { page }) }));
  return JSON.stringify({ version: 1, id, least: fields[0]?.confidence, images, fields, text: answer?.text });
}

interface ReadLine {
  id: string | number | undefined;
  answer: Reviewed | undefined;
}

type Reviewed = Pick<Answer, 'text' | 'images' | 'confidence'> & { alternatives?: Record<string, Alternative[]> };

/** Of either style; these lines are ours. */
function readLine(line: string): ReadLine {
  const { id, custom_id: customId, response, ...plain } = JSON.parse(line) as Record<string, unknown>;
  if (customId === undefined) return { id: id as ReadLine['id'], answer: plain as unknown as Reviewed };
  const body = (response as { body?: OpenAiBody } | null)?.body;
  const text = body?.choices?.[0]?.message.content ?? '';
  return { id: customId as ReadLine['id'], answer: body?.pixtral && { ...body.pixtral, text } };
}

interface OpenAiBody {
  choices?: { message: { content: string } }[];
  pixtral?: Omit<Reviewed, 'text'>;
}

/** What stands at a JSON pointer; the text itself where all of it is the field. */
function valueAt(text: string, pointer: string): unknown {
  if (pointer === '') return text;
  let value: unknown = JSON.parse(text);
  for (const step of pointer.slice(1).split('/')) {
    value = (value as Record<string, unknown>)[keyOfStep(step)];
  }
  return value;
}
