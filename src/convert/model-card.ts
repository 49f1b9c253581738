import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

/** What a checkpoint's README.md says of it in its front matter. */
export interface ModelCard {
  /** SPDX id in lower case (`apache-2.0`), or `other`. */
  license: string | undefined;
  licenseName: string | undefined;
  licenseLink: string | undefined;
  /** `mistralai/Pixtral-12B-Base-2409` */
  baseModels: string[];
}

/** A card of the Hub has some kilobytes of front matter. */
const maxBytes = 256 * 1024;
const none: ModelCard = { license: undefined, licenseName: undefined, licenseLink: undefined, baseModels: [] };

/** A card that is missing or not sound says nothing: the weights do not depend on it. */
export async function readModelCard(folder: string): Promise<ModelCard> {
  const text = await beginningOf(join(folder, 'README.md'));
  const front = /^---\r?\n([\s\S]*?)\r?\n---\r?(\n|$)/.exec(text)?.[1];
  return front === undefined ? none : parseFrontMatter(front);
}

function parseFrontMatter(front: string): ModelCard {
  let fields: Record<string, unknown>;
  try {
    const parsed: unknown = parse(front, { maxAliasCount: 0, logLevel: 'silent' });
    fields = typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return none;
  }
  const base = fields['base_model'];
  return {
    license: shortText(fields['license']),
    licenseName: shortText(fields['license_name']),
    licenseLink: shortText(fields['license_link']),
    baseModels: (Array.isArray(base) ? base : [base])
      .flatMap((name) => shortText(name) ?? [])
      .filter((name) => /^[\w.-]+\/[\w.-]+$/.test(name))
      .slice(0, 16),
  };
}

function shortText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 1000 ? value : undefined;
}

async function beginningOf(path: string): Promise<string> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return '';
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return '';
  } finally {
    await file.close();
  }
}
