import { createHash } from 'node:crypto';
import type { EngineOptions } from '../engine-options.ts';
import { weightsFingerprint } from '../runtime/fingerprint.ts';
import type { ModelFiles } from '../runtime/model-files.ts';

/** Raise it when the same question would be answered differently. */
const format = 1;

/** What all records of a job share. */
export async function jobHash(
  { model, mmproj }: ModelFiles,
  { cacheType, contextSize }: Pick<EngineOptions, 'cacheType' | 'contextSize'>,
): Promise<string> {
  const weights = await Promise.all([weightsFingerprint(model), weightsFingerprint(mmproj)]);
  const shared = [format, ...weights.map((bytes) => bytes.toString('hex')), cacheType, contextSize];
  return createHash('sha256').update(JSON.stringify(shared)).digest('hex');
}
