import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { WrappedPdfiumModule } from '@embedpdf/pdfium';
import { PixtralError } from '../../../base/errors.ts';
import { viewBytes } from '../../../base/view-bytes.ts';

/** An address in the memory of the WebAssembly module; 0 is none. */
export type Pointer = number;

/** PDFium, with what is needed to hand it bytes and to read its answers. */
export class Pdfium {
  readonly calls: WrappedPdfiumModule;

  private constructor(calls: WrappedPdfiumModule) {
    this.calls = calls;
  }

  static async load(): Promise<Pdfium> {
    const { init } = await import('@embedpdf/pdfium');
    const path = createRequire(import.meta.url).resolve('@embedpdf/pdfium/pdfium.wasm');
    const calls = await init({ wasmBinary: bufferOf(await readFile(path)) });
    calls.FPDF_InitLibrary();
    return new Pdfium(calls);
  }

  /** To be asked for anew after every call, which may have moved it by growing. */
  get heap(): Uint8Array {
    return this.calls.pdfium.HEAPU8;
  }

  /** @throws PixtralError `machine` when WebAssembly's memory is full */
  allocate(byteLength: number): Pointer {
    const pointer = this.calls.pdfium.wasmExports.malloc(byteLength);
    if (pointer !== 0) return pointer;
    throw new PixtralError('machine', `PDFium has no room for ${Math.ceil(byteLength / 2 ** 20)} MiB more`, {
      hint: 'split the PDF into smaller ones',
    });
  }

  copyIn(bytes: Uint8Array): Pointer {
    const pointer = this.allocate(bytes.byteLength);
    this.heap.set(bytes, pointer);
    return pointer;
  }

  free(pointer: Pointer): void {
    this.calls.pdfium.wasmExports.free(pointer);
  }

  /** Lends some memory for one call. */
  lend<T>(byteLength: number, use: (pointer: Pointer) => T): T {
    const pointer = this.allocate(byteLength);
    try {
      return use(pointer);
    } finally {
      this.free(pointer);
    }
  }

  /** Hands a function some numbers. */
  given<T>(values: Float32Array | Uint16Array, use: (pointer: Pointer) => T): T {
    return this.lend(values.byteLength, (pointer) => {
      this.heap.set(viewBytes(values), pointer);
      return use(pointer);
    });
  }

  /** Calls a function that fills in `count` 32-bit floats; undefined when it gives none. */
  floats(count: number, fill: (pointer: Pointer) => boolean): number[] | undefined {
    return this.lend(count * 4, (pointer) => {
      if (!fill(pointer)) return undefined;
      return Array.from(new Float32Array(this.heap.slice(pointer, pointer + count * 4).buffer));
    });
  }

  /** Calls a function twice: first for how many bytes it has, then for them. */
  bytes(call: (pointer: Pointer, byteLength: number) => number): Uint8Array {
    const byteLength = call(0, 0);
    if (byteLength === 0) return new Uint8Array();
    return this.lend(byteLength, (pointer) => {
      call(pointer, byteLength);
      return this.heap.slice(pointer, pointer + byteLength);
    });
  }

  /** As `bytes`, for UTF-16 that ends with a zero. */
  utf16(call: (pointer: Pointer, byteLength: number) => number): string {
    return Buffer.from(this.bytes(call)).toString('utf16le').replace(/\0+$/, '');
  }

  /** As `bytes`, for UTF-8 that ends with a zero. */
  utf8(call: (pointer: Pointer, byteLength: number) => number): string {
    return Buffer.from(this.bytes(call)).toString('utf8').replace(/\0+$/, '');
  }
}

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
