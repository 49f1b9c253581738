import { jsonLine } from '../wires/json.ts';
import { printableLine } from './printable.ts';

/** Something that a user should know, as a line for stderr. */
export function noteLine(note: string, { json }: { json: boolean }): string {
  return json ? jsonLine({ note }) : `note: ${printableLine(note)}\n`;
}
