import { open, rename, rm } from 'node:fs/promises';
import { systemError } from '../../base/files.ts';
import { loadPictures } from '../../image/decoder/load.ts';
import { seenPixels } from '../../image/pixels/seen.ts';
import { encodePng } from '../../image/pixels/write-png.ts';
import { type ReadOptions, type Source, readSource } from '../../image/sources/sources.ts';
import type { Decision } from '../../asking/decisions/decision.ts';
import { reportHead, reportRow, reportTail } from '../../output/decision-report.ts';

export interface HtmlReport {
  add(id: string, source: Source | undefined, decisions: readonly Decision[]): Promise<void>;
  /** Gives the page its name; without it nothing is left behind. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** Small enough that a thousand pictures make a page of some 30 MB. */
const thumbnail = { patchSize: 16, maxImageSize: 160, spatialMergeSize: 1 } as const;

/** A page that grows picture by picture, so that a large folder does not fill the memory. */
export async function openReport(
  path: string,
  { title, reading }: { title: string; reading: ReadOptions },
): Promise<HtmlReport> {
  const part = `${path}.part`;
  const file = await open(part, 'w').catch((cause: unknown) => {
    throw systemError(part, 'cannot be written', cause);
  });
  await file.write(reportHead(title));
  let finished = false;
  return {
    async add(id, source, decisions) {
      await file.write(reportRow({ id, thumbnail: source && (await thumbnailOf(source, reading)), decisions }));
    },
    async finish() {
      await file.write(reportTail());
      finished = true;
    },
    async close() {
      await file.close();
      await (finished ? rename(part, path) : rm(part, { force: true }));
    },
  };
}

/** Of a file's first page. What was decided about can be shown, but it may be gone by now. */
async function thumbnailOf(source: Source, reading: ReadOptions): Promise<Uint8Array | undefined> {
  try {
    const bytes = await readSource(source, reading);
    const { signal } = reading;
    const selection = source.selection ?? ({ kind: 'pages', ranges: [[1, 1]] } as const);
    const options = { image: thumbnail, selection, maxPages: 1, signal };
    const [picture] = await loadPictures({ name: source.name, bytes }, options);
    return picture && (await encodePng(seenPixels(picture, thumbnail), 'small'));
  } catch {
    reading.signal?.throwIfAborted();
    return undefined;
  }
}
