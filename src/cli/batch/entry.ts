import { PixtralError } from '../../base/errors.ts';
import type { RecordTask } from '../../asking/answer-records.ts';
import type { AskedDecisions } from '../../asking/decisions/question.ts';
import type { PageWords } from '../../image/decoder/page-words.ts';
import type { Source } from '../../image/sources/sources.ts';
import type { RecordStyle } from '../../wires/batch-line.ts';
import type { Fields } from '../../wires/fields.ts';
import type { RequestDefaults } from '../../wires/request.ts';

/** One record of a job, before its pictures are read. */
export interface BatchEntry extends RecordTask {
  id: string | number;
  /** For messages: `records.jsonl, line 7`. */
  where: string;
  style: RecordStyle;
  /** Whose words an OpenAI record is in. */
  endpoint?: string | undefined;
}

/** A record's JSON. */
export interface RecordLine extends Fields {
  id: string | number;
  folder: string;
}

/** What the command line says for every record. */
export interface CommonQuestion extends RequestDefaults {
  /** A template; undefined where records bring their own prompts. */
  prompt: string | undefined;
  system: string | undefined;
  /** Asked of every picture in place of a prompt. */
  decisions?: AskedDecisions | undefined;
  /** Bytes of a picture, for its EXIF date. */
  readPicture: (source: Source) => Promise<Uint8Array>;
  /** Words in a picture's pages, for {text}. */
  readWords: (source: Source) => Promise<PageWords[]>;
}

/** @throws PixtralError `input` naming both, when two have the same id: their answers could not be told apart */
export function checkIds(entries: readonly BatchEntry[]): void {
  const seen = new Map<string, BatchEntry>();
  for (const entry of entries) {
    const key = String(entry.id);
    const before = seen.get(key);
    if (before) {
      throw new PixtralError(
        'input',
        `${before.where} and ${entry.where}: both have the id ${JSON.stringify(entry.id)}, expected each id once`,
        { hint: 'answers are told apart by it: name each picture once, give each record its own id' },
      );
    }
    seen.set(key, entry);
  }
}
