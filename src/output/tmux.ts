import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * Whether the tmux around this process hands on what only the terminal around it understands. Versions before 3.3 have
 * no such option, and do.
 */
export async function passesOn(): Promise<boolean> {
  try {
    const asked = ['display-message', '-p', '#{allow-passthrough}'];
    const { stdout } = await promisify(execFile)('tmux', asked, { timeout: 2000 });
    return !/^(0|off)$/.test(stdout.trim());
  } catch {
    return false;
  }
}

/** What tmux is to hand on: each sequence in an envelope of its own, with its escapes doubled. */
export function wrapped(sequence: string): string {
  return `\u001BPtmux;${sequence.replaceAll('\u001B', '\u001B\u001B')}\u001B\\`;
}
