import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** What goes wrong, and for how many requests of the kind. */
export interface Fault {
  /** Which requests; all by default. */
  path?: RegExp;
  /** How many of them. */
  times: number;
  kind:
    | { cut: number }
    | { status: number; headers?: Record<string, string> }
    | { stall: true }
    | { shift: number }
    | { wrongRange: string }
    | { flip: true }
    | { ignoreRange: true }
    | { commit: string };
}

export interface StandInRepo {
  files: Record<string, Uint8Array>;
  /** 401 without a token, 403 with another than this. */
  token?: string;
  /** Asks under this name are redirected to the repository's own. */
  formerName?: string;
  /** Files of which the tree tells another sum. */
  wrongSums?: string[];
}

export interface SeenRequest {
  method: string;
  path: string;
  /** `hub` or `cdn`: two origins. */
  origin: 'hub' | 'cdn';
  authorization: string | undefined;
  range: string | undefined;
}

/** As the Hub answers (huggingface_hub 2.4, November 2026): API of revisions and trees, resolve, a CDN of another origin. */
export interface StandInHub {
  endpoint: string;
  requests: SeenRequest[];
  faults: Fault[];
  /** Bytes of files that were sent. */
  sentBytes: () => number;
  /** Bytes a second, over all connections. */
  limit: (bytesPerSecond: number) => void;
  repos: Map<string, StandInRepo>;
  /** Another commit from now on. */
  change: (repo: string, files: Record<string, Uint8Array>) => void;
  close: () => Promise<void>;
}

/** Files from this length on are large: kept beside Git, with a sha256. */
const largeBytes = 10_000;

export function filesOf(folder: string): Record<string, Uint8Array> {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
}

export const commitOf = remembered((files: Record<string, Uint8Array>) => {
  const hash = createHash('sha1');
  for (const [path, bytes] of Object.entries(files)) hash.update(`${path} ${bytes.byteLength}\n`).update(bytes);
  return hash.digest('hex');
});
const sha256 = remembered((bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex'));
const gitId = remembered((bytes: Uint8Array) =>
  createHash('sha1').update(`blob ${bytes.byteLength}\0`).update(bytes).digest('hex'),
);

/** Once for each: what is served does not change, and every request asks for it. */
function remembered<T extends object>(sumOf: (value: T) => string): (value: T) => string {
  const known = new WeakMap<T, string>();
  return (value) => {
    const sum = known.get(value) ?? sumOf(value);
    known.set(value, sum);
    return sum;
  };
}

export async function startHub(repos: Record<string, StandInRepo>): Promise<StandInHub> {
  const hub = createServer((request, response) => void answerHub(request, response));
  const cdn = createServer((request, response) => answerCdn(request, response));
  for (const server of [hub, cdn]) await once(server.listen(0, '127.0.0.1'), 'listening');
  const originOf = (server: typeof hub): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const requests: SeenRequest[] = [];
  const faults: Fault[] = [];
  const known = new Map(Object.entries(repos));
  let sent = 0;
  let bytesPerSecond = Infinity;
  let paidUntil = 0;

  function note(request: IncomingMessage, origin: SeenRequest['origin']): void {
    const { method = '', url = '', headers } = request;
    requests.push({ method, path: url, origin, authorization: headers.authorization, range: headers.range });
  }

  function faultFor(path: string): Fault['kind'] | undefined {
    const fault = faults.find((one) => one.times > 0 && (one.path?.test(path) ?? true));
    if (fault) fault.times--;
    return fault?.kind;
  }

  async function answerHub(request: IncomingMessage, response: ServerResponse): Promise<void> {
    note(request, 'hub');
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname).slice(1);
    const fault = faultFor(`hub/${path}`);
    if (fault && 'stall' in fault) return;
    if (fault && 'status' in fault) return send(response, { ...fault, text: '' });
    const api = /^api\/models\/([^/]+\/[^/]+)(?:\/(revision|tree|paths-info)\/([^/]+)\/?)?$/.exec(path);
    const file = /^([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const name = api?.[1] ?? file?.[1] ?? '';
    const renamed = [...known].find(([, repo]) => repo.formerName === name)?.[0];
    if (renamed !== undefined) {
      return send(response, { status: 307, headers: { location: request.url!.replace(name, renamed) }, text: '' });
    }
    const repo = known.get(name);
    const code = (status: number, error: string) =>
      send(response, { status, headers: { 'x-error-code': error }, text: error });
    if (!repo) return code(404, 'RepoNotFound');
    if (file && repo.token !== undefined && request.headers.authorization !== `Bearer ${repo.token}`) {
      return code(request.headers.authorization === undefined ? 401 : 403, 'GatedRepo');
    }
    const commit = commitOf(repo.files);
    const revision = api?.[3] ?? file?.[2] ?? 'main';
    if (!['main', 'HEAD', commit].includes(revision)) return code(404, 'RevisionNotFound');
    if (api?.[2] === 'tree') return json(response, tree(repo, request));
    if (api?.[2] === 'paths-info') {
      const paths = await askedPaths(request);
      return json(response, { value: treeEntries(repo).filter((entry) => paths.includes(entry.path)) });
    }
    if (api)
      return json(response, {
        value: {
          id: name,
          modelId: name,
          sha: commit,
          siblings: Object.keys(repo.files).map((rfilename) => ({ rfilename })),
          private: false,
        },
      });
    return resolve(response, { repo, name, path: file?.[3] ?? '', commit, request, fault });
  }

  /** In pages of three, as the Hub does it with a thousand. */
  function tree(repo: StandInRepo, request: IncomingMessage) {
    const url = new URL(request.url ?? '/', originOf(hub));
    const from = Number(url.searchParams.get('cursor') ?? 0);
    const entries = treeEntries(repo);
    url.searchParams.set('cursor', String(from + 3));
    const next = from + 3 < entries.length ? { link: `<${url.href}>; rel="next"` } : {};
    return { value: entries.slice(from, from + 3), headers: next };
  }

  function resolve(
    response: ServerResponse,
    {
      repo,
      name,
      path,
      commit,
      request,
      fault,
    }: {
      repo: StandInRepo;
      name: string;
      path: string;
      commit: string;
      request: IncomingMessage;
      fault: Fault['kind'] | undefined;
    },
  ): void {
    const bytes = repo.files[path];
    if (!bytes) return send(response, { status: 404, headers: { 'x-error-code': 'EntryNotFound' }, text: '' });
    const shown = fault && 'commit' in fault ? fault.commit : commit;
    const common = { 'x-repo-commit': shown, 'accept-ranges': 'bytes' };
    if (bytes.byteLength < largeBytes) {
      return sendFile(response, { bytes, request, fault, headers: { ...common, etag: `"${gitId(bytes)}"` } });
    }
    const sum = repo.wrongSums?.includes(path) === true ? 'e'.repeat(64) : sha256(bytes);
    const location = `${originOf(cdn)}/${name}/${commit}/${path}?signature=${sum.slice(0, 8)}`;
    const linked = { 'x-linked-etag': `"${sum}"`, 'x-linked-size': String(bytes.byteLength), 'x-xet-hash': sum };
    return send(response, { status: 302, headers: { ...common, ...linked, location }, text: '' });
  }

  function answerCdn(request: IncomingMessage, response: ServerResponse): void {
    note(request, 'cdn');
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname).slice(1);
    const fault = faultFor(`cdn/${path}`);
    if (fault && 'stall' in fault) return;
    if (fault && 'status' in fault) return send(response, { ...fault, text: '' });
    const [owner, name, , ...rest] = path.split('/');
    const bytes = known.get(`${owner}/${name}`)?.files[rest.join('/')];
    if (!bytes) return send(response, { status: 403, text: '' });
    sendFile(response, { bytes, request, fault, headers: { etag: `"${sha256(bytes)}"`, 'accept-ranges': 'bytes' } });
  }

  function sendFile(
    response: ServerResponse,
    {
      bytes,
      request,
      fault,
      headers,
    }: {
      bytes: Uint8Array;
      request: IncomingMessage;
      fault: Fault['kind'] | undefined;
      headers: Record<string, string>;
    },
  ): void {
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const asked = first !== undefined && !(fault && 'ignoreRange' in fault);
    const start = asked ? Number(first) : 0;
    const end = asked ? Math.min(bytes.byteLength, last === '' ? Infinity : Number(last) + 1) : bytes.byteLength;
    if (asked && start >= bytes.byteLength) return send(response, { status: 416, text: '' });
    const shift = fault && 'shift' in fault ? fault.shift : 0;
    let body = Buffer.from(bytes.subarray(start + shift, end + shift));
    if (fault && 'flip' in fault)
      body = Buffer.from(body.map((byte, index) => (index === body.length >> 1 ? byte ^ 1 : byte)));
    const range = fault && 'wrongRange' in fault ? fault.wrongRange : `bytes ${start}-${end - 1}/${bytes.byteLength}`;
    response.writeHead(asked ? 206 : 200, {
      ...headers,
      'content-length': String(end - start),
      ...(asked && { 'content-range': range }),
    });
    if (request.method === 'HEAD') return void response.end();
    if (fault && 'cut' in fault) {
      sent += Math.min(fault.cut, body.byteLength);
      response.write(body.subarray(0, fault.cut), () => response.destroy());
      return;
    }
    void trickle(response, body);
  }

  async function trickle(response: ServerResponse, body: Buffer): Promise<void> {
    const step = bytesPerSecond === Infinity ? body.byteLength : 256 * 1024;
    for (let at = 0; at < body.byteLength && !response.destroyed; at += step) {
      const part = body.subarray(at, at + step);
      if (bytesPerSecond !== Infinity) {
        paidUntil = Math.max(paidUntil, performance.now()) + (part.byteLength / bytesPerSecond) * 1000;
        const wait = paidUntil - performance.now();
        if (wait > 5) await new Promise((done) => setTimeout(done, wait));
      }
      sent += part.byteLength;
      if (!response.write(part) && !response.destroyed)
        await new Promise((done) => response.once('drain', done).once('close', done));
    }
    response.end();
  }

  return {
    endpoint: originOf(hub),
    requests,
    faults,
    sentBytes: () => sent,
    limit: (rate) => (bytesPerSecond = rate),
    repos: known,
    change: (repo, files) => known.set(repo, { ...known.get(repo), files }),
    close: async () => {
      for (const server of [hub, cdn]) {
        server.closeAllConnections();
        await new Promise((done) => server.close(done));
      }
    },
  };
}

function treeEntries({ files, wrongSums = [] }: StandInRepo) {
  return Object.entries(files).map(([path, bytes]) => {
    const wrong = wrongSums.includes(path);
    const lfs = { oid: wrong ? 'e'.repeat(64) : sha256(bytes), size: bytes.byteLength, pointerSize: 134 };
    const isLarge = bytes.byteLength >= largeBytes;
    return { type: 'file', oid: gitId(bytes), size: bytes.byteLength, path, ...(isLarge && { lfs }) };
  });
}

/** JSON or a form, as clients like it. */
async function askedPaths(request: IncomingMessage): Promise<string[]> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const body = Buffer.concat(parts).toString();
  if (!body.startsWith('{')) return new URLSearchParams(body).getAll('paths');
  const { paths } = JSON.parse(body) as { paths: string | string[] };
  return [paths].flat();
}

function json(
  response: ServerResponse,
  { value, headers }: { value: unknown; headers?: Record<string, string> },
): void {
  send(response, {
    status: 200,
    headers: { ...headers, 'content-type': 'application/json' },
    text: JSON.stringify(value),
  });
}

function send(
  response: ServerResponse,
  { status, headers, text = '' }: { status: number; headers?: Record<string, string>; text?: string },
): void {
  response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(text)) }).end(text);
}
