import type { LookupAddress } from 'node:dns';
import { lookup as dnsLookup } from 'node:dns/promises';
import { type IncomingMessage, get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import { type LookupFunction, isIP } from 'node:net';
import { PixtralError, reasonOf } from '../../base/errors.ts';
import { urlName } from './url-name.ts';

export interface FetchOptions {
  /** Which addresses may be connected to: `isPublicAddress`, or any. */
  isAllowed: (address: string) => boolean;
  /** From the first connection to the last byte, redirects included. */
  milliseconds: number;
  maxBytes: number;
  /** All addresses of a name; the system's by default. */
  lookup?: ((name: string) => Promise<LookupAddress[]>) | undefined;
  signal?: AbortSignal | undefined;
}

/** What browsers allow is 20; a picture that needs more than these is a loop. */
const maxRedirects = 5;
const redirects = [301, 302, 303, 307, 308];
/** Others in the two hundreds have no body, a part of one, or one that only promises. */
const wholePicture = [200, 203];
/** A server that only ever says that it is still at work. */
const maxInformation = 100;

/**
 * Fetches a picture. Every hop's addresses are checked, and the connection goes to the very addresses that were
 * checked: asking DNS twice would let a server answer differently the second time.
 * @throws PixtralError `input` for what the server or an address refuses, `machine` when the network fails
 */
export async function fetchPicture(source: string, options: FetchOptions): Promise<Uint8Array> {
  const timeout = AbortSignal.timeout(options.milliseconds);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  const name = urlName(source);
  try {
    return await follow(source, { ...options, signal });
  } catch (cause) {
    if (cause instanceof PixtralError) throw new PixtralError(cause.code, `${name}: ${cause.message}`, cause);
    options.signal?.throwIfAborted();
    const reason = timeout.aborted ? `not there within ${options.milliseconds / 1000} seconds` : reasonOf(cause);
    throw new PixtralError('machine', `${name}: cannot be fetched: ${reason}`, {
      hint: 'check the address and the network, or download the picture and give its path',
      cause,
    });
  }
}

async function follow(source: string, options: FetchOptions): Promise<Uint8Array> {
  let url = httpUrl(source);
  for (let hops = 0; hops <= maxRedirects; hops++) {
    const response = await request(url, options);
    try {
      const { statusCode = 0, headers } = response;
      if (wholePicture.includes(statusCode)) return await readBody(response, options.maxBytes);
      if (!redirects.includes(statusCode) || headers.location === undefined) throw answered(response);
      url = httpUrl(headers.location, url);
    } finally {
      response.destroy();
    }
  }
  throw new PixtralError('input', `redirects more than ${maxRedirects} times`);
}

function httpUrl(location: string, base?: URL): URL {
  const url = URL.canParse(location, base?.href) ? new URL(location, base) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  const what = base ? 'redirects to' : 'is';
  throw new PixtralError('input', `${what} ${url?.protocol ?? 'no URL'}, expected http: or https:`);
}

async function request(url: URL, options: FetchOptions): Promise<IncomingMessage> {
  const addresses = await addressesOf(url.hostname.replace(/^\[|\]$/g, ''), options);
  checkAddresses(url.hostname, addresses, options);
  const lookup: LookupFunction = (_, { all }, callback) => {
    if (all === true) callback(null, addresses);
    else callback(null, addresses[0]!.address, addresses[0]!.family);
  };
  // Some servers refuse who does not name itself, and a compressed picture gains nothing.
  const headers = { 'user-agent': 'pixtral', accept: 'image/*, */*;q=0.5', 'accept-encoding': 'identity' };
  const get = url.protocol === 'https:' ? getHttps : getHttp;
  return new Promise((resolve, reject) => {
    let information = 0;
    const asked = get(url, { headers, agent: false, signal: options.signal, lookup }, resolve);
    asked.on('error', reject);
    asked.on('information', () => {
      if (++information > maxInformation) asked.destroy(new Error('the server never comes to its answer'));
    });
    asked.on('upgrade', (response, socket) => {
      socket.destroy();
      reject(answered(response));
    });
    // Whatever else may end it; after an answer this says nothing.
    asked.on('close', () => reject(new Error('the connection was closed before an answer came')));
  });
}

function answered({ statusCode = 0, statusMessage = '' }: IncomingMessage): PixtralError {
  return new PixtralError('input', `the server answered ${statusCode} ${statusMessage}`.trimEnd());
}

async function addressesOf(host: string, { lookup, signal }: FetchOptions): Promise<LookupAddress[]> {
  if (isIP(host)) return [{ address: host, family: isIP(host) }];
  const found = lookup?.(host) ?? dnsLookup(host, { all: true });
  if (!signal) return found;
  signal.throwIfAborted();
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  return Promise.race([found, stopped]);
}

function checkAddresses(name: string, addresses: readonly LookupAddress[], { isAllowed }: FetchOptions): void {
  if (addresses.length === 0) throw new PixtralError('machine', `${name} has no address`);
  const refused = addresses.find(({ address }) => !isAllowed(address))?.address;
  if (refused === undefined) return;
  const where = name === refused ? `${name},` : `${name}, which is ${refused},`;
  throw new PixtralError('input', `leads to ${where} an address of no public server`, {
    hint: '--allow-private fetches from this machine and the local network too',
  });
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = Number(response.headers['content-length'] ?? 0);
  checkLength(length, maxBytes);
  length = 0;
  for await (const part of response as AsyncIterable<Uint8Array>) {
    parts.push(part);
    length += part.byteLength;
    checkLength(length, maxBytes);
  }
  return Buffer.concat(parts);
}

function checkLength(length: number, maxBytes: number): void {
  if (length <= maxBytes) return;
  throw new PixtralError('input', `is over ${maxBytes / 2 ** 20} MiB, too large for a picture`);
}
