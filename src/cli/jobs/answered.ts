import { PixtralError } from '../../base/errors.ts';
import { readBatchLine } from '../../wires/batch-line.ts';
import { fileLines } from '../batch/record-lines.ts';

/** Hashes of questions that a file of answers has answered, by id; the last line of an id counts. */
export async function readAnswered(path: string): Promise<Map<string, string | undefined>> {
  const lines = await fileLines(path);
  const answered = new Map<string, string | undefined>();
  let number = 0;
  try {
    for await (const { bytes, ended } of lines.lines()) {
      number++;
      const line = readBatchLine(new TextDecoder().decode(bytes));
      if (line && !line.failed) answered.set(line.id, line.hash);
      else if (line) answered.delete(line.id);
      else if (ended) {
        throw new PixtralError(
          'input',
          `${path}, line ${number}: is no answer, expected what pixtral batch merge wrote`,
        );
      }
    }
    return answered;
  } finally {
    await lines.close();
  }
}
