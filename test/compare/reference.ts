import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Rgb } from '../../src/image/pixels/seen.ts';

export interface Reading extends Rgb {
  reader: string;
  /** Undefined where this reader does not count them. */
  pages: number | undefined;
  /** Nothing was decoded with loss or converted: pixels should be equal. */
  exact: boolean;
}

export interface Readings {
  kind: string;
  readings: Reading[];
  errors: string[];
}

interface Request {
  path: string;
  page: number;
  size: [number, number] | null;
}

/** No reader needs so long; one that does is ended with all that it started. */
const milliseconds = 150_000;

/** readers.py, started again when a file has ended it. */
export class Reference {
  readonly #python: string;
  readonly #scratch: string;
  #child: ChildProcess | undefined;
  #lines: AsyncIterator<string> | undefined;

  constructor({ python, scratch }: { python: string; scratch: string }) {
    this.#python = python;
    this.#scratch = scratch;
  }

  async read(request: Request): Promise<Readings> {
    const scratch = join(this.#scratch, 'reading');
    await rm(scratch, { recursive: true, force: true });
    await mkdir(scratch, { recursive: true });
    const answer = await this.#ask({ ...request, scratch });
    if (answer === undefined) return { kind: 'other', readings: [], errors: ['readers.py ended or took too long'] };
    const { kind, errors, readings } = JSON.parse(answer) as {
      kind: string;
      errors: string[];
      readings: (Omit<Reading, 'bytes' | 'pages'> & { pages: number | null; pixels: string })[];
    };
    return {
      kind,
      errors,
      readings: await Promise.all(
        readings.map(async ({ pixels, pages, ...reading }) => ({
          ...reading,
          pages: pages ?? undefined,
          bytes: await readFile(pixels),
        })),
      ),
    };
  }

  close(): void {
    if (this.#child?.pid !== undefined && this.#child.exitCode === null) process.kill(-this.#child.pid, 'SIGKILL');
    this.#child = undefined;
  }

  async #ask(request: Request & { scratch: string }): Promise<string | undefined> {
    const child = (this.#child ??= this.#start());
    const timer = setTimeout(() => this.close(), milliseconds);
    try {
      child.stdin!.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await this.#lines!.next();
      if (done !== true) return value;
      this.#child = undefined;
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  #start(): ChildProcess {
    const script = fileURLToPath(new URL('readers.py', import.meta.url));
    const child = spawn(this.#python, [script], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    child.on('error', () => {}); // the end of its lines tells
    child.stdin.on('error', () => {});
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return child;
  }
}

/** Whether it is a Python that has what readers.py needs. */
export async function checkPython(python: string): Promise<void> {
  const child = spawn(python, ['-c', 'import numpy, PIL.ImageCms'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = (await once(child, 'exit').catch(() => [1])) as [number];
  if (code !== 0) throw new Error(`${python}: is no Python with numpy and pillow; name one with --python or PYTHON`);
}
