import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { PixtralError } from '../base/errors.ts';
import { systemError } from '../base/files.ts';
import type { Span, TraceStage } from '../base/trace.ts';

export interface TraceFile {
  add(span: Span, end: number): void;
  /** @throws PixtralError `machine` when it could not be written whole */
  close(): void;
}

/** A row of the viewer. What may overlap in it is shown as it is there: as events with a begin and an end. */
interface Lane {
  thread: number;
  name: string;
  overlaps: boolean;
}

const lane = (thread: number, name: string, overlaps = false): Lane => ({ thread, name, overlaps });
const main = lane(1, 'program');
const model = lane(2, 'model');
const opening = lane(8, 'opening');
const tower = lane(4, 'vision tower');
const cache = lane(6, 'cache', true);
const lanes: Readonly<Record<TraceStage, Lane>> = {
  start: main,
  draw: main,
  grammar: main,
  grammar_beside: main,
  write: lane(3, 'results'),
  model_found: opening,
  model_files: opening,
  libraries: model,
  weights: model,
  prefill: model,
  decode: model,
  tower_weights: tower,
  tower,
  picture: lane(5, 'pictures', true),
  cache_read: cache,
  cache_write: cache,
  question: lane(7, 'questions', true),
};

const processId = 1;
const firstLine = `[\n${JSON.stringify(named('process_name', { name: 'pixtral' }))}`;
const bufferedCharacters = 64 * 1024;

/**
 * A trace in Chrome's JSON array format, for ui.perfetto.dev and chrome://tracing, written as it comes: of a run that is
 * killed it holds what was, and viewers do without the last bracket.
 * Source: Trace Event Format (Google, revision of 2016), "JSON Array Format", "Complete Events", "Async Events".
 * @throws PixtralError `usage` where something else than an earlier trace stands in its place
 */
export function openTraceFile(path: string): TraceFile {
  const file = openFile(path);
  const seen = new Set<Lane>();
  let text = firstLine;
  let asyncId = 0;
  let failure: unknown;
  const flush = (): void => {
    try {
      if (failure === undefined) writeAll(file, Buffer.from(text));
    } catch (thrown) {
      failure = thrown; // the work goes on; it is said at the end
    }
    text = '';
  };
  const event = (fields: object): void => {
    text += `,\n${JSON.stringify(fields)}`;
    if (text.length >= bufferedCharacters) flush();
  };
  return {
    add({ stage, start, detail }, end) {
      const { overlaps, thread } = lanes[stage];
      if (!seen.has(lanes[stage])) event(named('thread_name', lanes[stage]));
      seen.add(lanes[stage]);
      const [ts, dur] = [microseconds(start), microseconds(end) - microseconds(start)];
      const common = { name: stage, cat: 'pixtral', pid: processId, tid: thread };
      if (!overlaps) return event({ ...common, ph: 'X', ts, dur, ...(detail && { args: detail }) });
      const id = ++asyncId;
      event({ ...common, ph: 'b', id, ts, ...(detail && { args: detail }) });
      event({ ...common, ph: 'e', id, ts: ts + dur });
    },
    close() {
      text += '\n]\n';
      flush();
      closeSync(file);
      if (failure !== undefined) throw systemError(path, 'cannot write', failure);
    },
  };
}

function named(kind: 'process_name' | 'thread_name', { name, thread }: { name: string; thread?: number }): object {
  return { name: kind, ph: 'M', pid: processId, ...(thread !== undefined && { tid: thread }), args: { name } };
}

/** Whole ones: what ends within another must not seem to end behind it by a rounding. */
function microseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000);
}

const { O_RDWR, O_CREAT, O_NONBLOCK, O_NOFOLLOW } = constants;

/** A slip must not cost a picture: only an earlier trace is replaced. */
function openFile(path: string): number {
  const file = openOrSay(path);
  try {
    const status = fstatSync(file);
    const begin = Buffer.alloc(firstLine.length);
    const isFree = status.isFile() && (status.size === 0 || startsWith(file, begin));
    if (!isFree) {
      throw new PixtralError('usage', `--trace ${path}: is there already and is no trace, expected a new file`, {
        hint: 'name another file',
      });
    }
    ftruncateSync(file);
    return file;
  } catch (thrown) {
    closeSync(file);
    throw thrown;
  }
}

function openOrSay(path: string): number {
  try {
    return openSync(path, O_RDWR | O_CREAT | (O_NONBLOCK ?? 0) | (O_NOFOLLOW ?? 0));
  } catch (cause) {
    throw systemError(path, 'cannot write', cause);
  }
}

function startsWith(file: number, begin: Buffer): boolean {
  return readSync(file, begin, 0, begin.length, 0) === begin.length && begin.toString() === firstLine;
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.byteLength;) done += writeSync(file, bytes, done);
}
