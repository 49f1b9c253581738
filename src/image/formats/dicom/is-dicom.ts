import { ascii } from '../opened.ts';

export function isDicom(bytes: Uint8Array): boolean {
  return ascii(bytes, 128, 4) === 'DICM';
}
