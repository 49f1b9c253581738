import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { createHash } from 'node:crypto';

/** The processor's model and a mark of its instructions: what is compiled for one may end on another. */
export async function machineMark(): Promise<string> {
  const { arch } = process;
  const told = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const [first = ''] = told.split('\n\n', 1);
  const field = (name: RegExp): string => name.exec(first)?.[1]?.trim() ?? '';
  const model = field(/^model name\s*:(.*)$/m) || cpus()[0]?.model.trim() || arch;
  const instructions = field(/^(?:flags|Features|isa)\s*:(.*)$/m)
    .split(/\s+/)
    .sort()
    .join(' ');
  const mark = createHash('sha256').update(instructions).digest('hex').slice(0, 8);
  return `${model} ${arch} ${mark}`;
}
