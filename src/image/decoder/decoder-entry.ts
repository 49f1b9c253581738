/** What decoder-process.ts forks: decodes what it is sent, page by page, until its parent is gone. */
import { type ErrorCode, PixtralError, reasonOf } from '../../base/errors.ts';
import { endWithParent } from '../../base/own-process.ts';
import { type DecodeRequest, type DecodedPage, decodePages } from './decode.ts';

export type Reply =
  | { kind: 'begun' }
  | { kind: 'page'; page: DecodedPage }
  | { kind: 'done' }
  | Refused
  | { kind: 'failed'; cause: string };

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
process.on('message', (request) => void answer(request as DecodeRequest));

async function answer(request: DecodeRequest): Promise<void> {
  try {
    await reply({ kind: 'begun' });
    for await (const page of decodePages(request)) await reply({ kind: 'page', page });
    await reply({ kind: 'done' });
  } catch (thrown) {
    await reply(thrown instanceof PixtralError ? refusal(thrown) : { kind: 'failed', cause: stackOf(thrown) });
  }
}

/** Waits until it is sent: pages would pile up while the next ones are decoded. */
async function reply(message: Reply): Promise<void> {
  await new Promise((resolve) => process.send?.(message, resolve));
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
