import { PixtralError, errnoOf } from '../base/errors.ts';
import { networkReason } from '../hub/agent.ts';

/**
 * `unreachable`: nobody answers there; `busy`: it asks to come back later; `failed`: it took the request, and something
 * went wrong with it.
 */
export type FaultKind = 'unreachable' | 'busy' | 'failed';

/** Something that may go better next time, or at another server. */
export class ServerFault extends Error {
  readonly kind: FaultKind;
  /** As the server asks. */
  readonly waitMilliseconds: number | undefined;
  /** Of an answer that says so. */
  readonly status: number | undefined;

  constructor(
    kind: FaultKind,
    message: string,
    {
      cause,
      waitMilliseconds,
      status,
    }: { cause?: unknown; waitMilliseconds?: number | undefined; status?: number | undefined } = {},
  ) {
    super(message, { cause });
    this.kind = kind;
    this.waitMilliseconds = waitMilliseconds;
    this.status = status;
  }
}

/** What a fault says, behind the server's name: some begin with it. */
export function withoutName(message: string, name: string): string {
  return message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
}

/** What is wrong with a server for every question alike. */
export class ServerRefusal extends PixtralError {}

const certificate =
  /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/;
const noTls = /^(ERR_SSL_|EPROTO)/;
const notThere = /^(ECONNREFUSED|ENOENT|EACCES|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)/;

/**
 * What a failed connection means.
 * @throws ServerRefusal `machine` for what does not get better by trying
 */
export function networkFault(thrown: unknown, where: string): ServerFault {
  const code = errnoOf(thrown) ?? '';
  const reason = networkReason(thrown);
  if (certificate.test(code)) {
    throw new ServerRefusal('machine', `${where}: its certificate is not trusted: ${reason}`, {
      hint: 'NODE_EXTRA_CA_CERTS names a file with the certificate of who signed it; check the name in the address too',
      cause: thrown,
    });
  }
  if (noTls.test(code)) {
    throw new ServerRefusal('machine', `${where}: does not speak TLS: ${reason}`, {
      hint: 'use http:// in the address',
      cause: thrown,
    });
  }
  if (notThere.test(code) || isRefused(thrown)) {
    return new ServerFault('unreachable', reason || 'nobody answers', { cause: thrown });
  }
  if (code === '' && !isTimeout(thrown) && !isNoHttp(thrown)) throw thrown;
  return new ServerFault('failed', reason, { cause: thrown });
}

/** A host of several addresses fails with one error for all of them. */
function isRefused(thrown: unknown): boolean {
  return thrown instanceof AggregateError && thrown.errors.some((one) => notThere.test(errnoOf(one) ?? ''));
}

/** What the reader of HTTP finds wrong has not always a code. */
function isNoHttp(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'HTTPParserError';
}

function isTimeout(thrown: unknown): boolean {
  return thrown instanceof Error && /timeout/i.test(thrown.name);
}
