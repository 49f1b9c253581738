import { PixtralError, reasonOf } from '../../base/errors.ts';

/** @param found what is wrong, after `the PNG`; or what a decoder threw */
export function damaged(name: string, format: string, found: unknown): PixtralError {
  const what = typeof found === 'string' ? found : `cannot be decoded: ${reasonOf(found)}`;
  return new PixtralError('input', `${name}: the ${format} ${what}`, {
    hint: 'the file is damaged: copy or download it again',
    ...(typeof found !== 'string' && { cause: found }),
  });
}
