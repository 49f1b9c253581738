import chalk, { Chalk } from 'chalk';
import { PixtralError, reasonOf } from '../base/errors.ts';
import { withoutPasswords } from '../base/without-passwords.ts';
import { errorJson } from '../wires/error-json.ts';
import { jsonLine } from '../wires/json.ts';
import { brief, printable, printableLine } from './printable.ts';

interface Sink {
  isTTY: boolean;
  write(text: string): void;
}

/** One line and a hint for what a user can act on, JSON if asked; a stack for a bug. */
export function printError(
  thrown: unknown,
  sink: Sink,
  { json, verbose, color }: { json: boolean; verbose: boolean; color: boolean },
): void {
  const known = thrown instanceof PixtralError;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (json) {
    sink.write(jsonLine({ error: errorJson(thrown) }));
    return;
  }
  if (!known) {
    const stack = thrown instanceof Error ? (thrown.stack ?? message) : message;
    sink.write(`this is a bug in pixtral, please report it:\n${printable(withoutPasswords(stack))}\n`);
    return;
  }
  const paint = sink.isTTY && color ? chalk : new Chalk({ level: 0 });
  sink.write(`${paint.red('error:')} ${printableLine(brief(message))}\n`);
  if (thrown.hint !== undefined) sink.write(`${paint.cyan('hint:')} ${printable(brief(thrown.hint))}\n`);
  if (verbose) for (const cause of causes(thrown)) sink.write(`cause: ${printableLine(cause)}\n`);
}

function causes(thrown: Error): string[] {
  const found: string[] = [];
  for (let cause = thrown.cause; cause !== undefined && found.length < 8;) {
    if (!(cause instanceof Error)) break;
    found.push(withoutPasswords(reasonOf(cause)));
    cause = cause.cause;
  }
  return found;
}
