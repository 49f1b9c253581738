import { PixtralError, reasonOf } from './errors.ts';

/**
 * For a native library of a package: copied from another system, on a disk from which nothing may be run, or without a
 * library that it needs itself.
 * @param what the library and what it is for, for example `libvips, which reads GIF`
 */
export function notLoaded(what: string): (error: unknown) => never {
  return (error) => {
    throw new PixtralError('machine', `${what}: does not load: ${reasonOf(error)}`, {
      hint: 'reinstall pixtral on this machine, with its optional packages, on a disk from which programs may be run',
      cause: error,
    });
  };
}
