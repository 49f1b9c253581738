import type { RecordQuestion } from '../asking/record-hash.ts';
import type { Source } from '../image/sources/sources.ts';
import type { Fields } from './fields.ts';
import type { FormatMemo } from './format-memo.ts';

/** What a request leaves open. */
export interface RequestDefaults {
  options: RecordQuestion['options'];
  detail: RecordQuestion['detail'];
  /** Forms of answers that requests ask for. */
  formats: FormatMemo;
}

/** What an address in a request leads to. @throws PixtralError `input` for one that may not be asked about */
export type FindSources = (url: string, where: string) => Promise<Source[]> | Source[];

export interface RequestContext {
  defaults: RequestDefaults;
  /** Decisions are asked by it; by the model's own where it is undefined. */
  template: string | undefined;
  sources: FindSources;
  /** Parameters that nobody has heard of are refused. */
  strict: boolean;
}

/**
 * What a request's body asks.
 * @throws PixtralError `input` naming the field that is wrong, or would be passed over and change the answer
 */
export type ReadRequest = (body: Fields, context: RequestContext) => Promise<RecordQuestion>;
