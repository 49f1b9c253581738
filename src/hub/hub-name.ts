/** A repository of the Hub at a revision. */
export interface HubName {
  /** `mistralai/Pixtral-12B-2409` */
  repo: string;
  /** Branch, tag or commit. */
  revision: string;
}

/** Names that are short for a repository. */
export const shortNames: Readonly<Record<string, string>> = {
  'pixtral-12b': 'mistralai/Pixtral-12B-2409',
  'pixtral-12b-2409': 'mistralai/Pixtral-12B-2409',
};

const repoPattern = /^([\w][\w.-]{0,95}\/[\w][\w.-]{0,95})(?:@([\w][\w./-]{0,254}))?$/;

/** `owner/name`, `owner/name@revision`, a short name, or a page of the Hub; undefined for anything else. */
export function parseHubName(text: string, endpoint: string): HubName | undefined {
  const [short = '', revision] = text.split('@', 2);
  const full = shortNames[short.toLowerCase()];
  if (full !== undefined) return { repo: full, revision: revision || 'main' };
  if (/^https?:/.test(text)) return fromUrl(text, endpoint);
  if (hosts.some((host) => text.startsWith(`${host}/`))) return fromUrl(`https://${text}`, endpoint);
  return named(text.replace(/^hf:\/\//, ''));
}

const hosts = ['huggingface.co', 'www.huggingface.co', 'hf.co'];
/** What stands between a repository and a revision. */
const kinds = ['tree', 'blob', 'raw', 'resolve', 'commit', 'commits'];

function fromUrl(text: string, endpoint: string): HubName | undefined {
  if (!URL.canParse(text)) return undefined;
  const { origin, pathname } = new URL(text);
  const mirror = new URL(endpoint.replace(/\/*$/, '/'));
  const isMirrors = origin === mirror.origin && `${pathname}/`.startsWith(mirror.pathname);
  if (!isMirrors && !hosts.some((host) => origin === `https://${host}`)) return undefined;
  const parts = decoded(isMirrors ? pathname.slice(mirror.pathname.length) : pathname);
  const [owner, name, kind, ...rest] = parts.filter((part) => part !== '');
  if (owner === undefined || name === undefined || (kind !== undefined && !kinds.includes(kind))) return undefined;
  return named(`${owner}/${name}${rest.length === 0 ? '' : `@${revisionIn(rest)}`}`);
}

/** A pull request's has slashes, which a browser shows as they are; other revisions with slashes are spelled with %2F. */
function revisionIn(parts: readonly string[]): string {
  return parts.slice(0, parts[0] === 'refs' ? 3 : 1).join('/');
}

function decoded(path: string): string[] {
  try {
    return path.split('/').map(decodeURIComponent);
  } catch {
    return []; // a % that stands for nothing
  }
}

function named(text: string): HubName | undefined {
  const [, repo, revision = 'main'] = repoPattern.exec(text) ?? [];
  return repo === undefined || repo.includes('--') || text.includes('..') ? undefined : { repo, revision };
}
