import { PixtralError } from '../../../base/errors.ts';
import { damaged } from '../damaged.ts';
import type { Size } from '../opened.ts';
import { hasBlendedGroups } from './blended-groups.ts';
import { type LineFonts, lineFontsOf } from './line-fonts.ts';
import { PdfObjects } from './objects.ts';
import type { Pdfium, Pointer } from './pdfium.ts';
import type { SubstituteFonts } from './substitute-fonts.ts';

export interface Engine {
  pdfium: Pdfium;
  fonts: SubstituteFonts;
}

/** A page that is loaded, until `PdfDocument.onPage` returns. */
export interface LoadedPage {
  page: Pointer;
  /** Of the document's form fields; 0 when it has none. */
  form: Pointer;
}

/** Longer ones hold more than the few entries that are asked for. */
const maxDictionary = 4096;
/** Even areas of a picture repeat what they are coded as. */
const maxTries = 1000;
const noForm = 0;
/** FPDF_REMOVE_SECURITY; all of it, not only what has changed. */
const withoutEncryption = 3;
const fullXfa = 2;

/** FPDF_GetLastError. Source: PDFium's `fpdfview.h`. */
const refusals: Record<number, { what: string; hint: string } | undefined> = {
  4: { what: 'is locked by a password', hint: 'save it without one' },
  5: {
    what: 'is encrypted in a way that cannot be read here',
    hint: 'open it where it can be read, and save it without encryption',
  },
};

/** A file that PDFium reads from its own memory. */
interface LentFile {
  bytes: Uint8Array;
  pointer: Pointer;
  name: string;
}

/** A PDF that is open in PDFium; page numbers are 0-based. */
export class PdfDocument {
  readonly engine: Engine;
  readonly #file: LentFile;
  readonly #document: Pointer;
  readonly #formInfo: Pointer;
  readonly #form: Pointer;
  #objects: PdfObjects | undefined;
  #lineFonts: LineFonts | undefined;
  #hasBlendedGroups: boolean | undefined;
  /** Where the stream that was asked for before begins. */
  #lastStream = 0;
  readonly pageCount: number;
  /** All of it is a form in XFA, whose pages say no more than that another program is needed. */
  readonly isXfa: boolean;

  /** @throws PixtralError `input` for what PDFium cannot open */
  static open(engine: Engine, { bytes, name }: { bytes: Uint8Array; name: string }): PdfDocument {
    const { pdfium } = engine;
    const pointer = pdfium.copyIn(bytes);
    try {
      return new PdfDocument(engine, { bytes, pointer, name });
    } catch (thrown) {
      pdfium.free(pointer);
      throw thrown;
    }
  }

  private constructor(engine: Engine, file: LentFile) {
    const { calls } = engine.pdfium;
    this.engine = engine;
    this.#file = file;
    this.#document = calls.FPDF_LoadMemDocument(file.pointer, file.bytes.byteLength, '');
    if (this.#document === 0) throw refusal(file.name, calls.FPDF_GetLastError());
    this.pageCount = calls.FPDF_GetPageCount(this.#document);
    const formType = calls.FPDF_GetFormType(this.#document);
    this.isXfa = formType === fullXfa;
    this.#formInfo = formType === noForm ? 0 : calls.PDFiumExt_OpenFormFillInfo();
    this.#form = this.#formInfo && calls.PDFiumExt_InitFormFillEnvironment(this.#document, this.#formInfo);
  }

  /** The same file, as if it was opened for the first time: a document keeps the fonts that it has found. */
  anew<T>(use: (document: PdfDocument) => T): T {
    const document = new PdfDocument(this.engine, this.#file);
    try {
      return use(document);
    } finally {
      document.#close();
    }
  }

  /** @throws PixtralError `input` for a page that is no page */
  onPage<T>(index: number, use: (page: LoadedPage) => T): T {
    const { calls } = this.engine.pdfium;
    const page = calls.FPDF_LoadPage(this.#document, index);
    if (page === 0) throw this.#unreadable(index);
    if (this.#form) calls.FORM_OnAfterLoadPage(page, this.#form);
    try {
      return use({ page, form: this.#form });
    } finally {
      if (this.#form) calls.FORM_OnBeforeClosePage(page, this.#form);
      calls.FPDF_ClosePage(page);
    }
  }

  /** In points, upright; only the ratio matters. @throws PixtralError `input` for a page that is no page */
  sizeOf(index: number): Size {
    const { pdfium } = this.engine;
    const size = pdfium.floats(2, (at) => pdfium.calls.FPDF_GetPageSizeByIndexF(this.#document, index, at));
    if (!size) throw this.#unreadable(index);
    const [width, height] = size as [number, number];
    if (width > 0 && height > 0) return { width, height };
    throw new PixtralError('input', `${this.#file.name}: page ${index + 1} of the PDF has no area`, {
      hint: 'its crop box lies outside of its page: leave the page out, or set the box right',
    });
  }

  /** Names of the files in it. */
  attachments(): string[] {
    const { pdfium } = this.engine;
    const { calls } = pdfium;
    return Array.from({ length: calls.FPDFDoc_GetAttachmentCount(this.#document) }, (_, index) => {
      const attachment = calls.FPDFDoc_GetAttachment(this.#document, index);
      return pdfium.utf16((buffer, length) => calls.FPDFAttachment_GetName(attachment, buffer, length));
    });
  }

  /** Whether these words are in the file as they are. */
  mentions(words: string): boolean {
    const { bytes } = this.#file;
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(words);
  }

  /** The text of the dictionary before a stream that is in the file as it is; undefined when it is not. */
  streamDictionary(stream: Uint8Array): string | undefined {
    const { bytes } = this.#file;
    const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const start = placeOf(stream, file, this.#lastStream) ?? placeOf(stream, file, 0);
    if (start === undefined) return undefined;
    this.#lastStream = start;
    const before = file.toString('latin1', Math.max(0, start - maxDictionary), start);
    return /\bobj\s*(<<(?:(?!\bobj\b)[^])*>>)\s*stream\r?\n$/.exec(before)?.[1];
  }

  /** Whether these bytes stand in a page's content, and are no stream of their own; no, where nobody can tell. */
  isInContent(part: Uint8Array): boolean {
    const { bytes } = this.#file;
    const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (file.includes('/Encrypt')) return false;
    const start = placeOf(part, file, 0);
    return start === undefined || !/stream\r?\n?$/.test(file.toString('latin1', Math.max(0, start - 10), start));
  }

  /** All objects of the file: slow, for what cannot be asked for otherwise. */
  get objects(): PdfObjects {
    return (this.#objects ??= new PdfObjects(this.#writtenAnew()));
  }

  /** Slow, once. */
  get lineFonts(): LineFonts {
    return (this.#lineFonts ??= lineFontsOf(this.objects));
  }

  /** Slow, once. */
  get hasBlendedGroups(): boolean {
    return (this.#hasBlendedGroups ??= hasBlendedGroups(this.objects));
  }

  #writtenAnew(): Uint8Array {
    const { pdfium } = this.engine;
    const { calls } = pdfium;
    const writer = calls.PDFiumExt_OpenFileWriter();
    try {
      calls.FPDF_SaveAsCopy(this.#document, writer, withoutEncryption);
      return pdfium.bytes((buffer, length) =>
        length === 0
          ? calls.PDFiumExt_GetFileWriterSize(writer)
          : calls.PDFiumExt_GetFileWriterData(writer, buffer, length),
      );
    } finally {
      calls.PDFiumExt_CloseFileWriter(writer);
    }
  }

  /** A page that stands for the files in it, which only some readers show. */
  isPortfolio(): boolean {
    return this.objects.entry(this.objects.catalog, 'Collection').kind === 'dictionary';
  }

  #unreadable(index: number): PixtralError {
    return damaged(this.#file.name, 'PDF', `has no page ${index + 1} that can be read`);
  }

  close(): void {
    this.#close();
    this.engine.pdfium.free(this.#file.pointer);
  }

  #close(): void {
    const { calls } = this.engine.pdfium;
    if (this.#form) calls.PDFiumExt_ExitFormFillEnvironment(this.#form);
    if (this.#formInfo) calls.PDFiumExt_CloseFormFillInfo(this.#formInfo);
    calls.FPDF_CloseDocument(this.#document);
  }
}

function refusal(name: string, code: number): PixtralError {
  const known = refusals[code];
  if (!known) return damaged(name, 'PDF', 'has no structure that can be read');
  return new PixtralError('input', `${name}: the PDF ${known.what}`, { hint: known.hint });
}

/** Where a stream is in a file, by a few bytes of its middle: pictures of one scanner begin alike. */
function placeOf(stream: Uint8Array, file: Buffer, from: number): number | undefined {
  const middle = stream.byteLength >> 1;
  const few = stream.subarray(middle, middle + 64);
  let found = file.indexOf(few, from + middle);
  for (let tries = 0; found >= 0 && tries < maxTries; tries++) {
    const start = found - middle;
    if (file.subarray(start, start + stream.byteLength).equals(stream)) return start;
    found = file.indexOf(few, found + 1);
  }
  return undefined;
}
