/** What decoder-process.ts forks: decodes what it is sent, page by page, until its parent is gone. */
import { Socket } from 'node:net';
import { viewBytes } from '../../base/view-bytes.ts';
import { type ErrorCode, PixtralError, reasonOf } from '../../base/errors.ts';
import { endWithParent } from '../../base/own-process.ts';
import { takeBytes } from './byte-pipe.ts';
import { createKernel } from '../pixels/kernel.ts';
import { type DecodeRequest, type DecodedPage, type PageTurns, decodePages } from './decode.ts';

export type Reply =
  | { kind: 'begun' }
  /** It has these pages to decode, and begins with the first. */
  | { kind: 'opened'; pages: readonly number[] }
  /** Its patches and its file follow on the pipe. */
  | { kind: 'page'; page: Omit<DecodedPage, 'patches' | 'png'>; patchBytes: number; pngBytes: number }
  | { kind: 'done' }
  | Refused
  | { kind: 'failed'; cause: string };

/** The file's bytes follow on the pipe. */
export interface Question {
  request: Omit<DecodeRequest, 'bytes'>;
  byteLength: number;
}

/** Others decode the pages from here on. */
export interface Share {
  wanted: number;
}

interface Refused {
  kind: 'refused';
  code: ErrorCode;
  message: string;
  hint: string | undefined;
  cause: string | undefined;
  /** The decoder should not be asked again. */
  broken: boolean;
}

endWithParent({ maxBytes: Number(process.argv[3]) });
const pipe = new Socket({ fd: 4 });
pipe.on('error', () => {}); // the parent is gone, or has had enough
const kernel = createKernel();
/** Pages of the file in work that are wanted from this process. */
let wanted = Infinity;
const never = new AbortController().signal;
process.on('message', (message: Question | Share) => {
  if ('wanted' in message) wanted = message.wanted;
  else void answer(message);
});

async function answer({ request: terms, byteLength }: Question): Promise<void> {
  wanted = Infinity;
  const request = { ...terms, bytes: await takeBytes(pipe, byteLength, never) };
  const turns: PageTurns = {
    onOpened: (pages) => (pages.length > 1 ? reply({ kind: 'opened', pages }) : Promise.resolve()),
    isWanted: (index) => index < wanted,
  };
  try {
    await reply({ kind: 'begun' });
    for await (const { patches, png, ...page } of decodePages(request, { turns, kernel })) {
      await reply({ kind: 'page', page, patchBytes: patches.byteLength, pngBytes: png.byteLength });
      await sendBytes(viewBytes(patches));
      await sendBytes(png);
    }
    await reply({ kind: 'done' });
  } catch (thrown) {
    await reply(thrown instanceof PixtralError ? refusal(thrown) : { kind: 'failed', cause: stackOf(thrown) });
  }
}

/** Waits until it is sent: pages would pile up while the next ones are decoded. */
async function reply(message: Reply): Promise<void> {
  await new Promise((resolve) => process.send?.(message, resolve));
}

async function sendBytes(bytes: Uint8Array): Promise<void> {
  await new Promise<unknown>((resolve) => pipe.write(bytes, resolve));
}

function refusal({ code, message, hint, cause }: PixtralError): Reply {
  return {
    kind: 'refused',
    code,
    message,
    hint,
    cause: cause === undefined ? undefined : reasonOf(cause),
    broken: cause instanceof Error && cause.name === 'RuntimeError', // a trap in WebAssembly: its memory may be anything
  };
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}
