import { ascii } from '../opened.ts';

/** Where readers look for the mark of the beginning. Source: ISO 32000-1, annex H, note 13. */
const markWindow = 1024;

export function isPdf(bytes: Uint8Array): boolean {
  return ascii(bytes, 0, markWindow).includes('%PDF-');
}
