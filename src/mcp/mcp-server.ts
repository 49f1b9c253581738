import { realpath } from 'node:fs/promises';
import { McpServer } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';
import { PixtralError, reasonOf } from '../base/errors.ts';
import { AskQueue, ServerStopping } from '../asking/ask-queue.ts';
import type { Question, QuestionEvent } from '../asking/events.ts';
import { loadQuestion, settledQuestion } from '../asking/load-question.ts';
import type { RecordQuestion } from '../asking/record-hash.ts';
import type { Engine } from '../engine/engine.ts';
import type { PictureOptions } from '../asking/pictures/picture-chunks.ts';
import { pictureReceipt } from '../asking/pictures/receipt.ts';
import { schemaFormat } from '../grammar/answer-format.ts';
import type { Picture } from '../image/decoder/load.ts';
import { PreparedPictures, preparedBytes } from '../image/decoder/prepared-pictures.ts';
import { seenPixels } from '../image/pixels/seen.ts';
import { encodePng } from '../image/pixels/write-png.ts';
import { imagesOf } from '../prompt/message.ts';
import { decidedJson } from '../wires/decisions.ts';
import { readQuestions } from '../wires/question-json.ts';
import { rootedSource } from './rooted-source.ts';

export interface McpOptions {
  /** Pictures may be looked at in it and nowhere else. */
  root: string;
  /** Opens the model. */
  open: () => Promise<Engine>;
  pictures: Omit<PictureOptions, 'image' | 'detail'>;
  /** How a question is answered. */
  options: RecordQuestion['options'];
  detail: RecordQuestion['detail'];
  /** Options that have less of the whole probability are no answer. */
  unsure: number;
  mostWaiting: number;
  version: string;
  /** Nothing is begun after it fires, what is in work is finished. */
  stop: AbortSignal;
  /** Ends what is in work too. */
  signal: AbortSignal;
}

/** The model, opened by the first tool that needs it: an agent that starts is not kept waiting. */
interface Eyes {
  root: string;
  ask(question: Omit<RecordQuestion, 'detail'>): Promise<QuestionEvent>;
  load(picture: string): Promise<{ picture: Picture; engine: Engine }>;
}

/** Serves until the client closes standard input. */
export async function serveMcp(options: McpOptions): Promise<void> {
  const root = await realpath(options.root).catch((cause: unknown) => {
    throw new PixtralError('usage', `--root ${options.root}: ${reasonOf(cause)}, expected a folder`, { cause });
  });
  const opened = openEyes({ ...options, root });
  const transport = new StdioServerTransport();
  const closed = new Promise<void>((resolve) => {
    const handle = serveStdio(() => mcpServer(opened.eyes, options), { transport });
    const { onclose } = transport;
    Object.assign(transport, {
      onclose() {
        onclose?.();
        resolve();
      },
    });
    options.stop.addEventListener('abort', () => void handle.close().then(resolve), { once: true });
  });
  await closed;
  await opened.close();
  options.stop.throwIfAborted();
}

function openEyes({ root, open, pictures, options, detail, mostWaiting, stop, signal }: McpOptions): {
  eyes: Eyes;
  close(): Promise<void>;
} {
  const queue = new AskQueue({ most: mostWaiting });
  const asked = { ...pictures, prepared: new PreparedPictures({ maxBytes: preparedBytes }) };
  const ending = new AbortController();
  let engine: Promise<Engine> | undefined;
  let delivering: Promise<void> | undefined;
  const opened = (): Promise<Engine> =>
    (engine ??= open().then((ready) => {
      delivering = queue.deliver(ready.answer(queue.questions(), { stop, signal }));
      delivering.catch(() => {}); // whoever asks is told
      return ready;
    }));
  const prepare = async (question: RecordQuestion): Promise<{ asked: Question; engine: Engine }> => {
    const ready = await opened();
    const cancel = ending.signal;
    const settled = settledQuestion(question, ready);
    const loaded = await loadQuestion(settled, { answerer: ready, pictures: asked, signal: cancel });
    return { asked: { ...loaded, cancel }, engine: ready };
  };
  return {
    eyes: {
      root,
      async ask(question) {
        const { asked } = await prepare({ ...question, detail });
        for await (const event of queue.ask(asked))
          if (event.kind === 'answer' || event.kind === 'decided') return event;
        throw new PixtralError('machine', 'the engine gave no answer');
      },
      async load(word) {
        const content = [{ kind: 'image', image: await rootedSource(word, root) }] as const;
        const { asked, engine: ready } = await prepare({ messages: [{ role: 'user', content }], options, detail });
        return { picture: asked.messages.flatMap((message) => imagesOf(message.content))[0]!, engine: ready };
      },
    },
    async close() {
      ending.abort(new Error('the client went away'));
      queue.close(new ServerStopping());
      await delivering?.catch(() => {});
      await (await engine?.catch(() => undefined))?.close();
    },
  };
}

const pictureInput = z.string().describe('path of a picture or PDF in the root folder; some pages with #2 or #2-5');

function mcpServer(eyes: Eyes, { options, unsure, version }: McpOptions): McpServer {
  const server = new McpServer({ name: 'pixtral', version }, { capabilities: { tools: {} } });
  const annotations = { readOnlyHint: true, openWorldHint: false };
  const messages = async (
    pictures: readonly string[],
    text: string | undefined,
  ): Promise<RecordQuestion['messages']> => {
    const images = await Promise.all(pictures.map((word) => rootedSource(word, eyes.root)));
    const content = [
      ...images.map((image) => ({ kind: 'image', image }) as const),
      ...(text === undefined ? [] : [{ kind: 'text', text } as const]),
    ];
    return [{ role: 'user', content }];
  };

  server.registerTool(
    'look',
    {
      title: 'Look at pictures',
      description: 'Ask a question about one or several pictures or document pages, in words; answers in words.',
      inputSchema: z.object({ pictures: z.array(pictureInput).min(1).max(16), question: z.string().min(1) }),
      annotations,
    },
    ({ pictures, question }) =>
      told(async () => {
        const event = await eyes.ask({ messages: await messages(pictures, question), options });
        return text(event.kind === 'answer' ? event.answer.text : '');
      }),
  );
  server.registerTool(
    'read',
    {
      title: 'Read data from a picture',
      description:
        'Extract JSON that a JSON Schema describes from a picture or document page; name the fields in the question.',
      inputSchema: z.object({
        picture: pictureInput,
        schema: z.record(z.string(), z.unknown()),
        question: z.string().min(1),
      }),
      annotations,
    },
    ({ picture, schema, question }) =>
      told(async () => {
        const format = schemaFormat(JSON.stringify(schema), 'schema');
        const event = await eyes.ask({
          messages: await messages([picture], question),
          options: { ...options, format },
        });
        return text(event.kind === 'answer' ? event.answer.text : '');
      }),
  );
  server.registerTool(
    'decide',
    {
      title: 'Decide about a picture',
      description:
        'Typed questions about a picture, a probability for each option: "Is a person visible?", "kind=receipt|letter|other: What is this?", "damage=1..5: How bad is it?".',
      inputSchema: z.object({ picture: pictureInput, questions: z.array(z.string()).min(1).max(50) }),
      annotations,
    },
    ({ picture, questions }) =>
      told(async () => {
        const decisions = {
          questions: readQuestions(questions, 'questions'),
          orders: 1,
          labels: 'words',
          template: undefined,
        } as const;
        const event = await eyes.ask({
          messages: await messages([picture], undefined),
          options,
          decisions,
        });
        if (event.kind !== 'decided') return text('');
        return text(JSON.stringify(decidedJson(event.decided, { temperatures: {}, unsure })));
      }),
  );
  server.registerTool(
    'see',
    {
      title: 'See what the model sees',
      description:
        'The very picture that the model sees, upright, in its colours and size, as PNG, with its size in tokens.',
      inputSchema: z.object({ picture: pictureInput }),
      annotations,
    },
    ({ picture: word }) =>
      told(async () => {
        const { picture, engine } = await eyes.load(word);
        const png = await encodePng(seenPixels(picture, engine.files.image), 'small');
        const image = { type: 'image', data: Buffer.from(png).toString('base64'), mimeType: 'image/png' } as const;
        return { content: [image, { type: 'text', text: JSON.stringify(pictureReceipt(picture)) } as const] };
      }),
  );
  return server;
}

function text(content: string) {
  return { content: [{ type: 'text', text: content } as const] };
}

/** What a user can act on is the tool's answer, marked as an error; a bug is the protocol's own. */
async function told<T>(work: () => Promise<T>): Promise<T | (ReturnType<typeof text> & { isError: true })> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof PixtralError)) throw thrown;
    return {
      ...text(thrown.hint === undefined ? thrown.message : `${thrown.message} (${thrown.hint})`),
      isError: true,
    };
  }
}
