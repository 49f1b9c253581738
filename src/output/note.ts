import { withoutPasswords } from '../base/without-passwords.ts';
import { jsonLine } from '../wires/json.ts';
import { printableLine } from './printable.ts';

/** Something that a user should know, as a line for stderr. */
export function noteLine(text: string, { json }: { json: boolean }): string {
  const note = withoutPasswords(text);
  return json ? jsonLine({ note }) : `note: ${printableLine(note)}\n`;
}
