import type Koffi from 'koffi';

/**
 * Everything that calls native code gets koffi here. Calls on worker threads run on koffi's own stacks: its default of
 * 128 KiB is small for a model loader, and what is set holds for the process, from before its first library is loaded.
 */
export async function loadKoffi(): Promise<typeof Koffi> {
  const { default: koffi } = await import('koffi');
  const size = 4 * 1024 * 1024;
  if (koffi.config().async_stack_size !== size) koffi.config({ async_stack_size: size, resident_async_pools: 8 });
  return koffi;
}
