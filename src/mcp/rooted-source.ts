import { realpath } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import { PixtralError, errnoOf } from '../base/errors.ts';
import { isSelection, parseSelection, splitSelection } from '../image/sources/selection.ts';
import { type Source, pathSource } from '../image/sources/sources.ts';

/**
 * The picture that an agent names: a file in the root folder, links followed, with `#pages`. Nothing else on this machine
 * or elsewhere can be named.
 * @throws PixtralError `input`
 */
export async function rootedSource(word: string, root: string): Promise<Source> {
  const split = splitSelection(word);
  const selects = split !== undefined && isSelection(split.fragment);
  const path = selects ? split.at : word;
  const found = await realpath(isAbsolute(path) ? path : join(root, path)).catch((cause: unknown) => {
    const finding = errnoOf(cause) === 'ENOENT' ? 'no such file' : 'cannot be read';
    throw new PixtralError('input', `${word}: ${finding}, expected a picture in ${root}`, { cause });
  });
  if (!found.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw new PixtralError('input', `${word}: is outside of ${root}, expected a picture in it`, {
      hint: 'pixtral mcp --root names the folder that may be looked at',
    });
  }
  const source = { ...pathSource(found), name: word };
  return selects ? { ...source, selection: parseSelection(split.fragment, word) } : source;
}
