import { PixtralError } from '../base/errors.ts';
import type { RecordQuestion } from '../asking/record-hash.ts';

/** What a request's pictures ask for; all of them are seen alike here. @throws PixtralError `input` when they differ */
export function requestDetail(
  details: readonly unknown[],
  { where, otherwise }: { where: string; otherwise: RecordQuestion['detail'] },
): RecordQuestion['detail'] {
  const low = details.filter((detail) => detail === 'low').length;
  if (low === 0) return otherwise;
  if (low === details.length) return 'low';
  throw new PixtralError(
    'input',
    `${where}: ${low} of ${details.length} images ask for detail low, expected all or none`,
  );
}
