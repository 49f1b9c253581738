import type { AnswerFormat } from '../grammar/answer-format.ts';

/** Forms of answers by what describes them: many records share few, and making one takes milliseconds. */
export type FormatMemo = (description: string, make: () => AnswerFormat) => AnswerFormat;

/** So many different ones in turn are made once each; memory stays flat when every record has its own. */
const maxKept = 64;

export function formatMemo(): FormatMemo {
  const kept = new Map<string, AnswerFormat>();
  return (description, make) => {
    const format = kept.get(description) ?? make();
    kept.delete(description);
    kept.set(description, format); // behind all others: the first is the one not used for longest
    if (kept.size > maxKept) kept.delete([...kept.keys()][0]!);
    return format;
  };
}
