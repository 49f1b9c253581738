import { createHash } from 'node:crypto';
import { PixtralError } from '../base/errors.ts';
import { wholeBody } from './exchange.ts';
import { fetchRange } from './fetch-range.ts';
import { type Http, type HttpResponse, Passing, httpUrl, patiently, refusePassing } from './http.ts';
import type { HubName } from './hub-name.ts';
import type { Remote, RemoteFile } from './remote.ts';

export interface HubOptions {
  /** `https://huggingface.co` */
  endpoint: string;
  token: string | undefined;
  http: Http;
  signal: AbortSignal;
}

/** Of one answer of the Hub's API: a tree of a thousand files has some 300 kB. */
const maxAnswerBytes = 64 * 1024 * 1024;
const maxPages = 100;

/**
 * A repository at the commit that its revision names now.
 * @throws PixtralError `model` when there is none or it may not be read, with what to do; `machine` for the network
 */
export async function openHubRemote({ repo, revision }: HubName, options: HubOptions): Promise<Remote> {
  const hub = hubClient(options);
  const { id, sha } = await hub.commit(repo, revision);
  const files = await hub.tree(id, sha);
  const locations = new Map<string, URL>();
  let fetched = 0;

  /** The Hub says where a file is; that address is good for many ranges, but not for ever. */
  async function ask(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const known = locations.get(path);
    if (known) return askThere(known, { path, headers, signal });
    const first = await hub.get(`${id}/resolve/${sha}/${path.split('/').map(encodeURIComponent).join('/')}`, {
      headers,
      signal,
      follow: false,
    });
    requireCommit(first, { where: `${id}/${path}`, sha });
    if (first.status < 300 || first.status >= 400) return first;
    await first.body.passOver();
    const target = httpUrl(first.headers['location'] ?? '', first.url);
    locations.set(path, target);
    return askThere(target, { path, headers, signal });
  }

  /** Where the Hub has redirected to: without the token. */
  async function askThere(
    url: URL,
    { path, headers, signal }: { path: string; headers: Readonly<Record<string, string>>; signal: AbortSignal },
  ): Promise<HttpResponse> {
    const response = await options.http.request(url, {
      method: 'GET',
      headers,
      secret: undefined,
      follow: true,
      signal,
    });
    if (![401, 403, 404, 410].includes(response.status)) return response;
    await response.body.passOver();
    locations.delete(path);
    throw new Passing(`${url.host} answered ${response.status}, the address may have expired`);
  }

  return {
    source: `${id}${revision === 'main' ? '' : `@${revision}`}`,
    label: id,
    name: id.slice(id.indexOf('/') + 1),
    revision: sha,
    files,
    read: (range, signal, target) =>
      fetchRange({
        where: `${id}/${range.path}`,
        range,
        target,
        byteLength: files.find(({ path }) => path === range.path)?.byteLength ?? 0,
        http: options.http,
        signal,
        ask: (headers, signal) => ask(range.path, headers, signal),
        onBytes: (byteLength) => (fetched += byteLength),
      }),
    fetchedBytes: () => fetched,
    close: async () => {},
  };
}

/** The commit was pinned: an answer of another one is of another file. */
function requireCommit({ headers, status }: HttpResponse, { where, sha }: { where: string; sha: string }): void {
  const found = headers['x-repo-commit'];
  if (status >= 400 || found === undefined || found === sha) return;
  throw new PixtralError('machine', `${where}: the Hub answers with commit ${found.slice(0, 64)}, expected ${sha}`, {
    hint: 'the repository has changed meanwhile: run the command again',
  });
}

function hubClient({ endpoint, token, http, signal }: HubOptions) {
  const base = new URL(endpoint.endsWith('/') ? endpoint : `${endpoint}/`);
  const secret = token === undefined ? undefined : { origin: base.origin, authorization: `Bearer ${token}` };

  async function get(
    path: string,
    { headers, signal, follow }: { headers: Readonly<Record<string, string>>; signal: AbortSignal; follow: boolean },
  ): Promise<HttpResponse> {
    const url = new URL(path, base);
    const response = await http.request(url, { method: 'GET', headers, secret, follow, signal });
    refusePassing(response);
    if (response.status < 400 || response.url.origin !== base.origin) return response;
    await response.body.passOver();
    throw refusal(response, { path, endpoint: base.href.replace(/\/$/, ''), hasToken: token !== undefined });
  }

  async function json(path: string): Promise<{ value: unknown; next: string | undefined }> {
    const where = `${base.host}/${path}`;
    return patiently({ where, http, signal }, async () => {
      const response = await get(path, { headers: { accept: 'application/json' }, signal, follow: true });
      const text = await limitedText(response, where);
      return { value: parse(text, where), next: /<([^>]+)>;\s*rel="next"/.exec(response.headers['link'] ?? '')?.[1] };
    });
  }

  return {
    get,
    async commit(repo: string, revision: string): Promise<{ id: string; sha: string }> {
      const { value } = await json(`api/models/${repo}/revision/${encodeURIComponent(revision)}`);
      const { id = repo, sha } = fields(value);
      if (
        typeof id === 'string' &&
        /^[\w.-]+\/[\w.-]+$/.test(id) &&
        typeof sha === 'string' &&
        /^[0-9a-f]{40}$/.test(sha)
      )
        return { id, sha };
      throw notTheHub(base, 'no commit');
    },
    async tree(repo: string, sha: string): Promise<RemoteFile[]> {
      const files: RemoteFile[] = [];
      let path: string | undefined = `api/models/${repo}/tree/${sha}?recursive=true`;
      for (let page = 0; path !== undefined && page < maxPages; page++) {
        const { value, next } = await json(path);
        if (!Array.isArray(value)) throw notTheHub(base, 'no list of files');
        for (const entry of value) files.push(...treeFile(fields(entry)));
        path = next === undefined ? undefined : samePlace(new URL(next, base), base);
      }
      return files;
    },
  };
}

/** A next page elsewhere is none of the Hub's. */
function samePlace(url: URL, base: URL): string {
  if (url.origin === base.origin) return url.href;
  throw notTheHub(base, `a next page at ${url.origin}`);
}

async function limitedText({ body }: HttpResponse, where: string): Promise<string> {
  const tooLong = () => new PixtralError('machine', `${where}: answers with over ${maxAnswerBytes} bytes`);
  return (await wholeBody(body, { most: maxAnswerBytes, tooLong })).toString();
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PixtralError('machine', `${where}: the answer is not JSON, expected the Hub's API`, {
      hint: 'check HF_ENDPOINT, and whether the network wants a sign-in first',
      cause,
    });
  }
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Paths that lead out of a folder are left out: nobody needs them. */
function treeFile({ type, path, size, oid, lfs }: Record<string, unknown>): RemoteFile[] {
  if (type !== 'file' || typeof path !== 'string' || typeof size !== 'number' || !Number.isSafeInteger(size)) return [];
  if (size < 0 || !/^[^/\\\0]+(\/[^/\\\0]+)*$/.test(path) || path.split('/').includes('..')) return [];
  const large = fields(lfs);
  const sha256 = typeof large['oid'] === 'string' && /^[0-9a-f]{64}$/.test(large['oid']) ? large['oid'] : undefined;
  const gitId = sha256 === undefined && typeof oid === 'string' && /^[0-9a-f]{40}$/.test(oid) ? oid : undefined;
  return [{ path, byteLength: size, sha256, gitId }];
}

function notTheHub(base: URL, found: string): PixtralError {
  return new PixtralError('machine', `${base.host}: answers with ${found}, expected the Hub's API`, {
    hint: 'check HF_ENDPOINT',
  });
}

/** What 401, 403 and 404 mean, and what to do about them. */
function refusal(
  { status, headers }: HttpResponse,
  { path, endpoint, hasToken }: { path: string; endpoint: string; hasToken: boolean },
): PixtralError {
  const code = headers['x-error-code'];
  const repo = /^(?:api\/models\/)?([^/]+\/[^/]+)/.exec(path)?.[1] ?? path;
  const page = `${endpoint}/${repo}`;
  const tokenPage = `${endpoint}/settings/tokens`;
  const accept = `open ${page}, sign in and click "Agree and access repository"`;
  if (code === 'RevisionNotFound' || code === 'EntryNotFound') {
    const what = code === 'RevisionNotFound' ? 'has no such revision' : 'has no such file';
    return new PixtralError('model', `${repo}: ${what} (${status})`, { hint: `${page}/tree/main shows what there is` });
  }
  if (status === 404 || code === 'RepoNotFound') {
    return new PixtralError('model', `${repo}: no such repository, or a private one (${status})`, {
      hint: `check the name at ${endpoint}; a private one needs a token of who may read it, in HF_TOKEN`,
    });
  }
  if (status === 401 && !hasToken) {
    return new PixtralError('model', `${repo}: is gated and no token was found (401)`, {
      hint: `${accept}; make a token of type Read at ${tokenPage} and put it into HF_TOKEN, or into a file for --token-file`,
    });
  }
  if (status === 401) {
    return new PixtralError('model', `${repo}: the Hub does not know this token (401)`, {
      hint: `it has expired or is cut short: make a new one of type Read at ${tokenPage}`,
    });
  }
  if (status === 403) {
    return new PixtralError('model', `${repo}: is gated and the token's account has no access yet (403)`, {
      hint: `${accept} with that account; a fine-grained token also needs "Read access to contents of all public gated repos", at ${tokenPage}`,
    });
  }
  return new PixtralError('machine', `${repo}: the Hub answered ${status}${code === undefined ? '' : ` ${code}`}`);
}

/** Git's name of a blob. */
export function gitBlobId(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.byteLength}\0`).update(bytes).digest('hex');
}
