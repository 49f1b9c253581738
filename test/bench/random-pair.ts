import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pixtral500m, writeRandomCheckpoint } from '../scale/random-checkpoint.ts';
import { pixtral, runCommand } from './run-command.ts';

/** A pair of random weights: 503 million parameters in Pixtral's architecture, with its whole vocabulary. */
export async function randomPair(folder: string, type: string): Promise<string> {
  const [checkpoint, converted] = [join(folder, 'checkpoint'), join(folder, 'pair')];
  await writeRandomCheckpoint(checkpoint, { config: pixtral500m, layout: 'mistral' });
  await runCommand([...pixtral, 'convert', checkpoint, '--out', converted, '--type', type]);
  await rm(checkpoint, { recursive: true });
  return converted;
}
