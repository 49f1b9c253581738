import { PixtralError, reasonOf } from '../../base/errors.ts';

/** @param found what is wrong, after `the PNG`; or what a decoder threw */
export function damaged(name: string, format: string, found: unknown): PixtralError {
  const what = typeof found === 'string' ? found : `cannot be decoded: ${reasonOf(found)}`;
  return new PixtralError('input', `${name}: the ${format} ${what}`, {
    hint: 'the file is damaged: copy or download it again',
    ...(typeof found !== 'string' && { cause: found }),
  });
}

/** A whole file of a kind that is not read here. @param found what it has, after `the TIFF` */
export function notRead(name: string, format: string, found: string, hint: string): PixtralError {
  return new PixtralError('input', `${name}: the ${format} ${found}, which is not read here`, { hint });
}
