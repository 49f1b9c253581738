import type Koffi from 'koffi';
import { notLoaded } from '../base/not-loaded.ts';

/**
 * Everything that calls native code gets koffi here; whoever imports this gets its error.
 * @throws PixtralError `machine` when its library does not load
 */
export const koffi: typeof Koffi = await open();

/**
 * Calls on worker threads run on koffi's own stacks: its default of 128 KiB is small for a model loader, and what is set
 * holds for the process, from before its first library is loaded.
 */
async function open(): Promise<typeof Koffi> {
  const { default: loaded } = await import('koffi').catch(notLoaded('koffi, through which llama.cpp is called'));
  const size = 4 * 1024 * 1024;
  if (loaded.config().async_stack_size !== size) loaded.config({ async_stack_size: size, resident_async_pools: 8 });
  return loaded;
}
