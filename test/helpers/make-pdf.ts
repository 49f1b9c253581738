export interface PdfPage {
  /** Points. */
  size: readonly [width: number, height: number];
  /** Operators; /F1 is Helvetica. */
  content: string;
  /** More entries of the page. */
  entries?: string;
  /** More fonts for the operators, by their names. */
  fonts?: Record<string, string>;
  /** XObjects for the operators, by their names. */
  images?: Record<string, { entries: string; bytes: Uint8Array }>;
}

/**
 * A PDF of some pages; `trailer` adds entries to its last part, `catalog` to its first, and `objects` are further ones,
 * numbered from 3000 on.
 */
export function makePdf(
  pages: readonly PdfPage[],
  { trailer = '', catalog = '', objects = [] as readonly string[] } = {},
): Buffer {
  const file = new Objects();
  const kids = pages.map((_, index) => `${10 + 2 * index} 0 R`).join(' ');
  file.add(1, `<< /Type /Catalog /Pages 2 0 R ${catalog} >>`);
  file.add(2, `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`);
  file.add(3, '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>');
  let next = 1000;
  for (const [index, { size, content, entries = '', fonts = {}, images = {} }] of pages.entries()) {
    const fontEntries = Object.entries(fonts).map(([name, font]) => `/${name} ${font}`);
    const imageEntries = Object.entries(images).map(([name, image]) => {
      file.addStream(next, image.entries, image.bytes);
      return `/${name} ${next++} 0 R`;
    });
    const resources = `<< /Font << /F1 3 0 R ${fontEntries.join(' ')} >> /XObject << ${imageEntries.join(' ')} >> >>`;
    const box = `/MediaBox [0 0 ${size.join(' ')}]`;
    const number = 10 + 2 * index;
    file.add(
      number,
      `<< /Type /Page /Parent 2 0 R ${box} /Resources ${resources} /Contents ${number + 1} 0 R ${entries} >>`,
    );
    file.addStream(number + 1, '', Buffer.from(content, 'latin1'));
  }
  for (const [index, object] of objects.entries()) file.add(3000 + index, object);
  return file.end(trailer);
}

class Objects {
  readonly #parts: Buffer[] = [Buffer.from('%PDF-1.7\n')];
  readonly #places = new Map<number, number>();
  #length = this.#parts[0]!.length;

  add(number: number, object: string | Buffer): void {
    this.#places.set(number, this.#length);
    for (const part of [`${number} 0 obj\n`, object, '\nendobj\n']) this.#write(Buffer.from(part as string, 'latin1'));
  }

  addStream(number: number, entries: string, bytes: Uint8Array): void {
    const opening = `<< ${entries} /Length ${bytes.byteLength} >>\nstream\n`;
    this.add(number, Buffer.concat([Buffer.from(opening, 'latin1'), bytes, Buffer.from('\nendstream')]));
  }

  end(trailer: string): Buffer {
    const table = this.#length;
    const entries = [...this.#places].map(
      ([number, place]) => `${number} 1\n${String(place).padStart(10, '0')} 00000 n \n`,
    );
    const size = Math.max(...this.#places.keys()) + 1;
    this.#write(Buffer.from(`xref\n0 1\n0000000000 65535 f \n${entries.join('')}`));
    this.#write(Buffer.from(`trailer << /Size ${size} /Root 1 0 R ${trailer} >>\nstartxref\n${table}\n%%EOF\n`));
    return Buffer.concat(this.#parts);
  }

  #write(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }
}
