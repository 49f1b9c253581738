import { EventEmitter } from 'node:events';
import { type Interface, createInterface } from 'node:readline/promises';
import type { Terminal } from '../io.ts';
import { type History, mostRemembered } from './history.ts';
import { type Lines, goesOn } from './lines.ts';
import { type Input, asSent, onOneLine, pasteFilter, pasteMode } from './paste-filter.ts';

interface TypedLinesOptions {
  history: History | undefined;
  complete: (line: string) => Promise<[string[], string]>;
  /** When Ctrl-C had nothing to end. */
  hint: string;
}

const prompts = { first: '> ', more: '… ' };
const interruptKey = '\u0003';

/** Lines typed at a terminal, edited by Node's own readline. What is typed while an answer comes is there afterwards. */
export function typedLines(terminal: Terminal, { history, complete, hint }: TypedLinesOptions): Lines {
  const keys = keyStream(terminal);
  const editor = createInterface({
    input: keys as unknown as NodeJS.ReadableStream,
    output: terminal.output,
    terminal: true,
    historySize: mostRemembered,
    history: (history?.lines ?? []).map(onOneLine).toReversed(),
    removeHistoryDuplicates: true,
    completer: complete,
  });
  let lines: string[] = [];
  let waiting: ((message: string | undefined) => void) | undefined;
  let interrupt: AbortController | undefined;
  let isClosed = false;
  const ahead: string[] = []; // typed or pasted before it was asked for

  const filter = pasteFilter();
  const take = ({ kind, text }: Input): void => {
    if (kind === 'paste') editor.write(onOneLine(text));
    else keys.emit('data', Buffer.from(text));
  };
  const kept: Input[] = [];
  const receive = (input: Input): void => {
    if (waiting) take(input);
    else if (input.kind === 'keys' && input.text.includes(interruptKey)) {
      kept.length = 0;
      interrupt?.abort(new Error('interrupted'));
    } else kept.push(input);
  };
  const onData = (chunk: Buffer): void => {
    for (const input of filter(chunk)) receive(input);
  };
  const onEnd = (): void => void keys.emit('end');
  terminal.input.on('data', onData);
  terminal.input.on('end', onEnd);
  terminal.input.resume(); // a query of the terminal may have paused it

  editor.on('line', (line) => {
    lines.push(line);
    if (goesOn(line)) return prompt(editor, prompts.more);
    const message = lines.map((one, index) => (index < lines.length - 1 ? one.slice(0, -1) : one)).join('\n');
    remember(editor, { count: lines.length, message });
    lines = [];
    const sent = asSent(message);
    void history?.add(sent);
    if (waiting) settle(sent);
    else ahead.push(sent);
  });
  editor.on('SIGINT', () => {
    const hadText = editor.line !== '' || lines.length > 0;
    lines = [];
    editor.write(null, { ctrl: true, name: 'e' });
    editor.write(null, { ctrl: true, name: 'u' });
    terminal.output.write(hadText ? '^C\n' : `\n${hint}\n`);
    prompt(editor, prompts.first);
  });
  editor.on('close', () => {
    isClosed = true;
    if (waiting) terminal.output.write('\n'); // the shell's prompt begins a line of its own
    settle(undefined);
  });

  function settle(message: string | undefined): void {
    const answer = waiting;
    waiting = undefined;
    terminal.output.write(pasteMode.off);
    answer?.(message);
  }

  return {
    async next(draft) {
      const early = ahead.shift();
      if (early !== undefined || isClosed) return early;
      return new Promise((resolve) => {
        waiting = resolve;
        terminal.output.write(pasteMode.on);
        prompt(editor, prompts.first);
        if (draft !== undefined) editor.write(onOneLine(draft));
        for (const input of kept.splice(0)) receive(input);
      });
    },
    async during(work) {
      const controller = new AbortController();
      interrupt = controller;
      try {
        return await work(controller.signal);
      } finally {
        interrupt = undefined;
      }
    },
    close() {
      terminal.input.off('data', onData);
      terminal.input.off('end', onEnd);
      terminal.input.pause();
      if (!isClosed) editor.close();
    },
  };
}

/** What readline reads: it gets the keys when they are to be read, and the terminal's own raw mode. */
function keyStream({ input }: Terminal): EventEmitter {
  const noWork = (): void => {};
  return Object.assign(new EventEmitter(), {
    isTTY: true,
    setRawMode: (raw: boolean) => input.setRawMode(raw),
    resume: noWork,
    pause: noWork,
    setEncoding: noWork,
  });
}

function prompt(editor: Interface, text: string): void {
  editor.setPrompt(text);
  editor.prompt();
}

/** A message of several lines is remembered as one. */
function remember(editor: Interface, { count, message }: { count: number; message: string }): void {
  if (count === 1) return;
  const { history } = editor as unknown as { history: string[] };
  history.splice(0, count, onOneLine(message));
}
