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
  return named(text);
}

function fromUrl(text: string, endpoint: string): HubName | undefined {
  if (!URL.canParse(text)) return undefined;
  const { origin, pathname } = new URL(text);
  if (![new URL(endpoint).origin, 'https://huggingface.co', 'https://hf.co'].includes(origin)) return undefined;
  const [owner, name, kind, revision] = pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  if (kind !== undefined && !['tree', 'blob', 'resolve', 'commit'].includes(kind)) return undefined;
  return named(`${owner}/${name}${revision === undefined ? '' : `@${revision}`}`);
}

function named(text: string): HubName | undefined {
  const [, repo, revision = 'main'] = repoPattern.exec(text) ?? [];
  return repo === undefined || /\.\.|--/.test(text) ? undefined : { repo, revision };
}
