import { readFileSync } from 'node:fs';

const ticksPerSecond = 100;

/** Of all children that have ended, and of theirs: proc_pid_stat(5), cutime and cstime. */
export function childrenSeconds(): number {
  const [, , childrenUser, childrenSystem] = times('self');
  return childrenUser + childrenSystem;
}

/** Of a process that still runs, its threads included. */
export function processSeconds(pid: number): number {
  const [user, system] = times(pid);
  return user + system;
}

function times(pid: number | 'self'): [user: number, system: number, childrenUser: number, childrenSystem: number] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system, childrenUser, childrenSystem] = fields
    .slice(11, 15)
    .map((ticks) => Number(ticks) / ticksPerSecond);
  return [user!, system!, childrenUser!, childrenSystem!];
}
