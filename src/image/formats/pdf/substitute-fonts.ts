import { type FontFace, type MachineFace, coverageOf, faceBytes, machineFaces, packagedFace } from './font-files.ts';
import type { Pdfium, Pointer } from './pdfium.ts';
import { plainName } from './sfnt.ts';

/** What PDFium asks for where a PDF does not hold its font. */
export interface FontRequest {
  /** `Helvetica` for all that count as such. */
  face: string;
  weight: number;
  italic: boolean;
  /** Of Windows. */
  charset: number;
  serif: boolean;
  fixedPitch: boolean;
}

/** Source: Windows' LOGFONT, `lfCharSet`. */
const chineseCharsets = new Map([
  [128, 'Japanese'],
  [134, 'simplified Chinese'],
  [136, 'traditional Chinese'],
]);
const koreanCharset = 129;
/** Source: PDFium's `fpdf_sysfontinfo.h`. */
const pitchFamily = { fixed: 1, roman: 1 << 4 };
const isBold = (weight: number): boolean => weight >= 600;

/** PDFium has its own shapes for these, which look alike on every machine. */
const standardFaces = /^(Helvetica|Times|Courier|Symbol|ZapfDingbats)\b/;

const plain: FontRequest = {
  face: 'Helvetica',
  weight: 400,
  italic: false,
  charset: 0,
  serif: false,
  fixedPitch: false,
};

/**
 * Finds fonts for text whose font is not in the PDF: one of the same name on this machine, else PDFium's own where it
 * has the letters, else a packaged one, so that a page looks alike everywhere, else any of this machine that has them.
 * Source: FPDF_SYSFONTINFO in PDFium's `fpdf_sysfontinfo.h`, version 2.
 */
export class SubstituteFonts {
  /** Letters that PDFium's own fonts lack; set while a page that has them is loaded and drawn. */
  #wanted: readonly number[] = [];
  readonly #pdfium: Pdfium;
  readonly #open = new Map<Pointer, Uint8Array>();
  #nextHandle: Pointer = 1;
  #machine: MachineFace[] | undefined;
  readonly #coverages = new Map<string, (codePoint: number) => boolean>();
  /** By the length of their files: what PDFium tells of a font in use. */
  readonly #handedOut = new Map<number, FontFace>();

  constructor(pdfium: Pdfium) {
    this.#pdfium = pdfium;
    this.#install();
  }

  /** Whether a font that was found here has a character; undefined for one that was not. */
  has(fileLength: number, codePoint: number): boolean | undefined {
    const face = this.#handedOut.get(fileLength);
    return face && this.#coverage(face)(codePoint);
  }

  /** Fonts that have most of these letters are preferred to PDFium's own while something is done. */
  with<T>(wanted: Iterable<number>, act: () => T): T {
    const before = this.#wanted;
    this.#wanted = [...wanted];
    try {
      return act();
    } finally {
      this.#wanted = before;
    }
  }

  /** What of these letters the font that is chosen for them lacks. */
  lacking(wanted: readonly number[]): number[] {
    const face = this.with(wanted, () => this.choose(plain));
    return face ? wanted.filter((codePoint) => !this.#coverage(face)(codePoint)) : [...wanted];
  }

  choose(request: FontRequest): FontFace | undefined {
    const wanted = this.#wanted;
    const named = standardFaces.test(request.face) ? undefined : this.#named(request);
    if (named && this.#countOf(wanted, named) === wanted.length) return named;
    return this.#ofCharset(request) ?? this.#covering(request) ?? named;
  }

  #named({ face, weight, italic }: FontRequest): FontFace | undefined {
    const name = plainName(face);
    const faces = this.#machineFaces().filter(({ names }) => names.has(name));
    const distance = (one: MachineFace): number => Math.abs(one.weight - weight) + (one.italic === italic ? 0 : 1000);
    return faces.toSorted((one, other) => distance(one) - distance(other))[0];
  }

  #ofCharset({ charset, weight }: FontRequest): FontFace | undefined {
    const style = isBold(weight) ? 'Bold' : 'Regular';
    if (charset === koreanCharset) return packagedFace(koreanFont(style)) ?? this.#anyWith([0xac00]);
    if (chineseCharsets.has(charset)) return packagedFace(chineseFont(style)) ?? this.#anyWith([0x4e00]);
    return undefined;
  }

  #covering(request: FontRequest): FontFace | undefined {
    const wanted = this.#wanted;
    if (wanted.length === 0) return undefined;
    const style = isBold(request.weight) ? 'Bold' : 'Regular';
    const packaged = [dejavu(request), 'dejavu-fonts-ttf/ttf/DejaVuSans.ttf', chineseFont(style), koreanFont(style)]
      .map(packagedFace)
      .filter((face) => face !== undefined);
    const whole = packaged.find((face) => this.#countOf(wanted, face) === wanted.length);
    return whole ?? this.#best([...packaged, ...this.#machineFaces()]);
  }

  #best(faces: readonly FontFace[]): FontFace | undefined {
    let best: FontFace | undefined;
    let most = 0;
    for (const face of faces) {
      const count = this.#countOf(this.#wanted, face);
      if (count > most) [best, most] = [face, count];
    }
    return best;
  }

  #anyWith(codePoints: readonly number[]): FontFace | undefined {
    return this.#machineFaces().find((face) => this.#countOf(codePoints, face) === codePoints.length);
  }

  #countOf(codePoints: readonly number[], face: FontFace): number {
    return codePoints.filter(this.#coverage(face)).length;
  }

  #coverage(face: FontFace): (codePoint: number) => boolean {
    const key = `${face.path}\0${face.start}`;
    let coverage = this.#coverages.get(key);
    if (!coverage) this.#coverages.set(key, (coverage = coverageOrNone(face)));
    return coverage;
  }

  #machineFaces(): MachineFace[] {
    return (this.#machine ??= machineFaces());
  }

  #install(): void {
    const { pdfium } = this.#pdfium.calls;
    const functions = [
      pdfium.addFunction(() => {}, 'vi'), // Release
      pdfium.addFunction(() => {}, 'vii'), // EnumFonts, not called in version 2
      pdfium.addFunction(this.#mapFont.bind(this), 'iiiiiiii'),
      pdfium.addFunction(() => 0, 'iii'), // GetFont, for names that EnumFonts gave
      pdfium.addFunction(this.#fontData.bind(this), 'iiiiii'),
      pdfium.addFunction(() => 0, 'iiiii'), // GetFaceName
      pdfium.addFunction(() => 0, 'iii'), // GetFontCharset
      pdfium.addFunction((_, handle: Pointer) => void this.#open.delete(handle), 'vii'),
    ];
    const info = this.#pdfium.copyIn(new Uint8Array(Uint32Array.of(2, ...functions).buffer));
    this.#pdfium.calls.FPDF_SetSystemFontInfo(info);
  }

  #mapFont(_: Pointer, weight: number, italic: number, charset: number, pitch: number, face: Pointer): Pointer {
    const found = this.choose({
      face: this.#pdfium.calls.pdfium.UTF8ToString(face),
      weight,
      italic: italic !== 0,
      charset,
      serif: (pitch & pitchFamily.roman) !== 0,
      fixedPitch: (pitch & pitchFamily.fixed) !== 0,
    });
    if (!found) return 0;
    const bytes = faceBytes(found);
    this.#handedOut.set(bytes.byteLength, found);
    this.#open.set(this.#nextHandle, bytes);
    return this.#nextHandle++;
  }

  /** @param table 0 for all of the file */
  #fontData(_: Pointer, handle: Pointer, table: number, buffer: Pointer, byteLength: number): number {
    const file = this.#open.get(handle);
    if (!file || table !== 0) return 0;
    if (buffer !== 0 && byteLength >= file.byteLength) this.#pdfium.heap.set(file, buffer);
    return file.byteLength;
  }
}

function chineseFont(style: 'Regular' | 'Bold'): string {
  return `@embedpdf/fonts-sc/fonts/NotoSansHans-${style}.otf`;
}

function koreanFont(style: 'Regular' | 'Bold'): string {
  return `@embedpdf/fonts-kr/fonts/NotoSansKR-${style}.otf`;
}

function dejavu({ serif, fixedPitch, weight, italic }: FontRequest): string {
  const slanted = serif && !fixedPitch ? 'Italic' : 'Oblique';
  const style = [isBold(weight) && 'Bold', italic && slanted].filter(Boolean).join('');
  const family = fixedPitch ? 'SansMono' : serif ? 'Serif' : 'Sans';
  return `dejavu-fonts-ttf/ttf/DejaVu${family}${style && `-${style}`}.ttf`;
}

function coverageOrNone(face: FontFace): (codePoint: number) => boolean {
  try {
    return coverageOf(face);
  } catch {
    return () => false;
  }
}
