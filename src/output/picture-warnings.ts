import type { PictureReceipt } from '../asking/events.ts';
import { jsonLine } from '../wires/json.ts';
import { pictureLabel } from './picture-label.ts';
import { printable } from './printable.ts';
import { warnOfShrinking } from './shrink.ts';

interface WarningSink {
  write: (text: string) => void;
  json: boolean;
}

/** What of these pictures could not be shown as it is, each in a line, and which is seen much smaller than it is. */
export function warnOfPictures(receipts: readonly PictureReceipt[], sink: WarningSink): void {
  for (const receipt of whole(receipts)) {
    for (const text of receipt.warnings ?? []) warn(receipt, { text, ...sink });
  }
  warnOfShrinking(receipts, sink);
}

/** How often one sentence is said about the pictures of a batch; a folder of scans is likely to be all alike. */
const timesSaid = 3;

/** The same for the many pictures of a batch: each sentence a few times, a shrunk picture once. */
export function batchWarnings(sink: WarningSink): (receipts: readonly PictureReceipt[]) => void {
  const said = new Map<string, number>();
  let shrinkingSaid = false;
  return (receipts) => {
    for (const receipt of whole(receipts)) {
      for (const text of receipt.warnings ?? []) {
        const times = (said.get(text) ?? 0) + 1;
        said.set(text, times);
        const more = times === timesSaid ? ' (more like it only in the answers, as "warnings")' : '';
        if (times <= timesSaid) warn(receipt, { text: text + more, ...sink });
      }
    }
    if (shrinkingSaid) return;
    warnOfShrinking(receipts, {
      ...sink,
      write(lines) {
        shrinkingSaid = true;
        sink.write(lines);
      },
    });
  };
}

/** The parts of a picture share what is said of it. */
function whole(receipts: readonly PictureReceipt[]): PictureReceipt[] {
  return receipts.filter(({ crop }) => !crop);
}

function warn(receipt: PictureReceipt, { text, write, json }: WarningSink & { text: string }): void {
  const warning = `${pictureLabel(receipt)}: ${text}`;
  write(json ? jsonLine({ warning }) : `warning: ${printable(warning)}\n`);
}
