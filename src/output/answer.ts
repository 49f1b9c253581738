import type { Answer, EngineEvent } from '../asking/events.ts';
import { askJson, jsonLine } from '../wires/json.ts';
import { printable } from './printable.ts';
import type { StageReporter } from './progress.ts';

interface AnswerOptions {
  stdout: { isTTY: boolean; write(text: string): void };
  /** Thoughts go there: what is on stdout is the answer. */
  stderr: { isTTY: boolean; write(text: string): void };
  reporter: StageReporter;
  json: boolean;
  /** Whether a terminal is to show thoughts dimmed. */
  color: boolean;
}

/** Writes an answer as it comes, or one JSON line when it is whole. */
export async function showAnswer(
  events: AsyncIterable<EngineEvent>,
  { stdout, stderr, reporter, json, color }: AnswerOptions,
): Promise<void> {
  let thinks = false;
  for await (const event of events) {
    if (thinks && event.kind !== 'thought' && !json) stderr.write('\n\n');
    thinks = event.kind === 'thought';
    switch (event.kind) {
      case 'stage':
        reporter.stage(event.stage, event.detail);
        break;
      case 'thought':
        if (json) break;
        reporter.stop();
        stderr.write(stderr.isTTY ? dimmed(printable(event.text), color) : event.text);
        break;
      case 'text':
        if (json) break;
        reporter.stop();
        stdout.write(stdout.isTTY ? printable(event.text) : event.text);
        break;
      case 'answer':
        reporter.stop();
        if (json) stdout.write(jsonLine(askJson(event.answer)));
        else endText(event.answer, { stdout, reporter });
        break;
      case 'decided': // asked for by `decide` only
        break;
    }
  }
}

/** What other programs write into the same terminal stays as it is: each piece ends what it begins. */
function dimmed(text: string, color: boolean): string {
  return color ? `\x1b[2m${text}\x1b[22m` : text;
}

function endText(
  { text, finish, usage, tool_calls: calls = [] }: Answer,
  { stdout, reporter }: Pick<AnswerOptions, 'stdout' | 'reporter'>,
): void {
  const isCallAlone = text === '' && calls.length > 0;
  if (!text.endsWith('\n') && !isCallAlone) stdout.write('\n');
  for (const { function: called } of calls) {
    const line = `${called.name}(${called.arguments})`;
    stdout.write(`${stdout.isTTY ? printable(line) : line}\n`);
  }
  if (finish !== 'loop') return;
  reporter.note(`answer: says the same over and over, and was stopped after ${usage.completion} tokens\n`);
}
