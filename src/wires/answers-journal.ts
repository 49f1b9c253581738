import { type Journal, openJournal } from '../store/journal.ts';
import { type WrittenLine, beginsLikeBatchLine, readBatchLine } from './batch-line.ts';

/** A file of batch's answers, and those that were written into it before, by the ids of their records. */
export async function openAnswers(path: string): Promise<{ journal: Journal; written: Map<string, WrittenLine> }> {
  const written = new Map<string, WrittenLine>();
  const journal = await openJournal(path, {
    readEntry: readBatchLine,
    beginsLikeEntry: beginsLikeBatchLine,
    onEntry: (line) => written.set(line.id, line),
    entryName: 'answer of pixtral batch',
  });
  return { journal, written };
}
