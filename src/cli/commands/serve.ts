import { Command, Option } from 'commander';
import type { Io } from '../io.ts';
import {
  cacheOptions,
  collect,
  defaults,
  modelOptions,
  numberIn,
  outputOptions,
  parallelOptions,
  promptPictureOptions,
  reasoningOptions,
  runtimeOptions,
  samplingOptions,
} from '../options.ts';
import type { ServeFlags } from '../serve/run-serve.ts';

export function serveCommand(io: Io): Command {
  const command = new Command('serve').description(
    "The model loaded once, asked over HTTP as OpenAI's and Anthropic's APIs are, and by pixtral's other commands.",
  );
  const groups = {
    'Server:': [
      new Option('--host <address>', 'where to listen').default(defaults.host),
      new Option('--port <n>', '0 takes any that is free')
        .argParser(numberIn({ min: 0, max: 65_535, integer: true }))
        .default(defaults.port),
      new Option('--api-key <key>', 'clients must send it; needed for anything but this machine').env(
        'PIXTRAL_API_KEY',
      ),
      new Option('--cors <origin>', 'pages of this origin may call it; repeatable, * for all')
        .argParser(collect)
        .default([], 'none'),
      new Option('--allow-host <name>', 'it may be called by this name too; repeatable')
        .argParser(collect)
        .default([], 'none'),
      new Option('--queue <n>', 'requests that may wait; more are told to come back')
        .argParser(numberIn({ min: 1, max: 100_000, integer: true }))
        .default(defaults.queue),
      new Option('--data <folder>', "files and batches are kept in it; else in the user's data folder"),
    ],
    'Model:': modelOptions(),
    'Pictures:': promptPictureOptions(),
    'Answers:': [
      new Option('--tell-schema', 'the model is told the schema of response_format too, behind the question'),
    ],
    'Sampling, where a request does not say it itself:': samplingOptions().filter(({ long }) => long !== '--stop'),
    'Answers, where a request does not say it itself:': reasoningOptions('show'),
    'Runtime:': [...parallelOptions(), ...runtimeOptions(), ...cacheOptions()],
    'Output:': outputOptions('messages on stderr as JSON'),
  };
  for (const [heading, options] of Object.entries(groups)) {
    for (const option of options) command.addOption(option.helpGroup(heading));
  }
  return command.addHelpText('after', notes).action(async (flags: ServeFlags) => {
    const { runServe } = await import('../serve/run-serve.ts');
    await runServe({ flags, io });
  });
}

const notes = `
Routes:
  POST /v1/chat/completions   streaming too; pictures as data: URIs or http(s) URLs, response_format, logprobs, n, stop
  POST /v1/responses          streaming events too; text and pictures, instructions, text.format; nothing is kept
  POST /v1/decisions          typed questions, a probability for each option
  POST /v1/messages           Anthropic's API, streaming too
  /v1/files, /v1/batches      OpenAI's Batch API: upload, create, list, retrieve, content, cancel, delete
  GET  /v1/models   POST /tokenize   POST /v1/pixtral/see   GET /health   GET /metrics (Prometheus)
  GET  /                      a page for people: drop pictures, see what the model sees, ask, decide, batches

pixtral ask, batch and decide find a server of the same user with the same model and options by themselves, and start in a
moment: nothing is loaded then. --server off turns that off, for all commands PIXTRAL_SERVER=off.

Only pages of its own origin and those of --cors may call it from a browser, and only by a name that is its own. Files
of this machine cannot be asked about: a client sends its pictures, or names a URL; those of this machine and the local
network are refused without --allow-private. SIGTERM finishes the answers in work, Ctrl-C drops them.

Examples:
  pixtral serve --model ~/pixtral-12b-240910-q8_0
  curl -s http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' -d '{"messages":[{"role":"user",
    "content":[{"type":"image_url","image_url":{"url":"https://example.org/sign.jpg"}},{"type":"text","text":"Read it"}]}]}'
  OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=none python program.py`;
