import type { Answer, PictureTokens } from '../asking/events.ts';
import { jsonLine } from '../wires/json.ts';
import { printable } from './printable.ts';

interface WarningSink {
  write: (text: string) => void;
  json: boolean;
}

/** What is to be known of how a server has answered. */
export function warnOfServer({ server }: Pick<Answer, 'server'>, { write, json }: WarningSink): void {
  for (const warning of server?.warnings ?? [])
    write(json ? jsonLine({ warning }) : `warning: ${printable(warning)}\n`);
}

/** How often it is said in a batch: of pictures that differ, three tell how; that none can be checked is true of all. */
const timesSaid: Readonly<Record<PictureTokens['check'], number>> = {
  equal: 3,
  possible: 3,
  differs: 3,
  'not checked': 1,
};

/** The same for the many answers of a batch. */
export function batchServerWarnings(sink: WarningSink): (answer: Pick<Answer, 'server'>) => void {
  const said = new Map<string, number>();
  return ({ server }) => {
    const warnings: string[] = [];
    const most = server ? timesSaid[server.picture_tokens.check] : 0;
    for (const warning of server?.warnings ?? []) {
      const kind = warning.replaceAll(/\d+/g, '');
      const times = (said.get(kind) ?? 0) + 1;
      said.set(kind, times);
      const more = times === most ? ' (more like it only in the answers, as "warnings" of "server")' : '';
      if (times <= most) warnings.push(warning + more);
    }
    if (server && warnings.length > 0) warnOfServer({ server: { ...server, warnings } }, sink);
  };
}
