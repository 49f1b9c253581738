import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { PixtralError } from '../../base/errors.ts';
import { decodeText, decodeUtf8 } from '../../base/text.ts';
import type { AskedDecisions } from '../../asking/decisions/question.ts';
import { type Source, pathSource } from '../../image/sources/sources.ts';
import { findSources, listedLines, listedSources } from '../../image/sources/expand.ts';
import { urlName } from '../../image/sources/url-name.ts';
import { selectionText } from '../../image/sources/selection.ts';
import { placeImages } from '../../prompt/placeholders.ts';
import { namedSources } from '../prompt-arguments.ts';
import type { BatchEntry, CommonQuestion } from './entry.ts';
import { readListed } from './read-text.ts';
import { checkTemplate, templateMessage } from './template-fields.ts';

export interface PictureWords {
  words: readonly string[];
  /** Standard input holds paths with NUL between. */
  nullSeparated: boolean;
  stdin: () => Promise<Uint8Array>;
}

interface Named {
  id: string;
  where: string;
  source: () => Promise<Source>;
}

/** One record for each picture that words and lists name; a line of a list that names nothing is a record that fails. */
export async function pictureEntries(asked: PictureWords, common: CommonQuestion): Promise<BatchEntry[]> {
  const { prompt, decisions } = common;
  if (decisions) return (await namedPictures(asked)).map((named) => decisionEntry(named, { ...common, decisions }));
  if (prompt === undefined) {
    throw new PixtralError('usage', 'no prompt was given', { hint: 'give it with -p: every word is a picture here' });
  }
  checkTemplate(prompt, new Set());
  placeImages(
    [
      { kind: 'image', image: 'it' },
      { kind: 'text', text: prompt },
    ],
    (name) => name,
  );
  return (await namedPictures(asked)).map(({ id, where, source }) => ({
    id,
    where,
    style: 'plain',
    async question() {
      const { options, detail, system } = common;
      const record = { id, where, images: [await source()], fields: {} };
      const { user, text } = await templateMessage(record, { ...common, prompt });
      return { messages: withSystem([user], system), options, detail, text };
    },
  }));
}

function decisionEntry(
  { id, where, source }: Named,
  { options, detail, system, decisions }: CommonQuestion & { decisions: AskedDecisions },
): BatchEntry {
  return {
    id,
    where,
    style: 'plain',
    async question() {
      const user = { role: 'user', content: [{ kind: 'image', image: await source() }] } as const;
      return { messages: withSystem([user], system), options, decisions, detail };
    },
  };
}

/** A conversation's messages behind the system prompt, if there is one. */
export function withSystem(
  messages: Awaited<ReturnType<BatchEntry['question']>>['messages'],
  system: string | undefined,
): typeof messages {
  return system === undefined ? messages : [{ role: 'system', content: [{ kind: 'text', text: system }] }, ...messages];
}

async function namedPictures({ words, nullSeparated, stdin }: PictureWords): Promise<Named[]> {
  const named: Named[] = [];
  for (const word of words) named.push(...(await picturesOf(word, stdin)));
  if (nullSeparated) named.push(...nulPaths(await readListed(stdin, 'paths')));
  if (named.length > 0) return named;
  throw new PixtralError('usage', 'no picture was given', {
    hint: 'name pictures, folders, globs or @lists; @- reads a list from standard input, -0 what find -print0 writes',
  });
}

async function picturesOf(word: string, stdin: () => Promise<Uint8Array>): Promise<Named[]> {
  if (word === '-') {
    throw new PixtralError('usage', '-: standard input may hold several things here, expected a flag that says which', {
      hint: '@- reads a list of pictures from it, --records - records, -0 paths with NUL between',
    });
  }
  if (word === '@-') return listPictures(await readListed(stdin, 'a list'), '');
  if (word.startsWith('@') && !(await findSources(`./${word}`))) {
    const list = word.slice(1);
    return listPictures(await readListed(list, 'a list of pictures'), dirname(list));
  }
  try {
    return (await namedSources(word)).map((source) => known(source, word));
  } catch (thrown) {
    if (!(thrown instanceof PixtralError) || !/\s/.test(word)) throw thrown;
    const { code, message, cause } = thrown;
    throw new PixtralError(code, message, { hint: 'if it is the prompt, give it with -p', cause });
  }
}

type Listed = Awaited<ReturnType<typeof readListed>>;

async function listPictures({ bytes, where: name }: Listed, folder: string): Promise<Named[]> {
  const named: Named[] = [];
  for (const { line, number } of listedLines(decodeText(bytes, name))) {
    const where = `${name}, line ${number}`;
    try {
      named.push(...(await listedSources(line, { folder, where })).map((source) => known(source, where)));
    } catch (thrown) {
      if (!(thrown instanceof PixtralError)) throw thrown;
      named.push({ id: urlName(line), where, source: () => Promise.reject(thrown) });
    }
  }
  return named;
}

/** Paths as they are: nothing in them is a sign. */
function nulPaths({ bytes, where }: Listed): Named[] {
  const paths = decodeUtf8(bytes, where)
    .split('\0')
    .filter((path) => path !== '');
  return paths.map((path, index) => known(pathSource(path), `standard input, path ${index + 1}`));
}

function known(source: Source, where: string): Named {
  const { name, at, kind, selection } = source;
  const plain = kind === 'data' ? `data:${createHash('sha256').update(at).digest('hex').slice(0, 16)}` : name;
  return { id: selection ? `${plain}#${selectionText(selection)}` : plain, where, source: async () => source };
}
