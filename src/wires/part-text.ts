import { asRecord } from './fields.ts';

/** What a part of OpenAI's Decisions API says in words: its text, its JSON as text; undefined for pictures and others. */
export function partText(part: unknown, where: string): string | undefined {
  const { type, text, refusal, data } = asRecord(part, where);
  switch (type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return typeof text === 'string' ? text : undefined;
    case 'refusal':
      return typeof refusal === 'string' ? refusal : undefined;
    case 'input_json':
      return typeof data === 'object' && data !== null ? JSON.stringify(data) : undefined;
    default:
      return undefined;
  }
}
