import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { startLlamaServer } from './llama-server.ts';
import { endGroup, pixtral, spawnTied } from './run-command.ts';

export type ServerKind = 'pixtral' | 'llama';

export interface ServerShape {
  /** Of the GGUF pair, or the name of a model that is installed. */
  pair: string;
  /** Of one question. */
  contextSize: number;
  slots: number;
  threads: number;
  /** For what is kept from start to start. */
  scratch: string;
  /** Of llama.cpp. */
  tree: string;
}

interface Completed {
  /** Tokens of the answer. */
  completion: number;
  /** By the server's own account, where it gives one. */
  milliseconds: number | undefined;
}

export interface BenchServer {
  kind: ServerKind;
  env: Record<string, string>;
  /** A chat completion. */
  complete(body: object): Promise<Completed>;
  /** Until the first words of a streamed answer are there. */
  firstToken(body: object): Promise<void>;
  /** Of pixtral, spent on chat completions until their answers could be written. */
  requestSeconds(): Promise<number>;
  /** Of all its processes, since their start. */
  processorSeconds(): number;
  close(): Promise<void>;
}

export async function startServer(kind: ServerKind, shape: ServerShape): Promise<BenchServer> {
  const { url, pid, env, close } = await (kind === 'pixtral' ? startPixtral(shape) : startLlama(shape));
  return {
    kind,
    env,
    complete: (body) => complete(url, body),
    firstToken: (body) => firstToken(url, body),
    requestSeconds: () => requestSeconds(url),
    processorSeconds: () => groupSeconds(pid),
    close,
  };
}

interface Started {
  url: string;
  pid: number;
  env: Record<string, string>;
  close: () => Promise<void>;
}

async function startPixtral({ pair, contextSize, slots, threads, scratch }: ServerShape): Promise<Started> {
  const env = {
    PIXTRAL_CACHE: join(scratch, 'cache'),
    PIXTRAL_DATA: join(scratch, 'data'),
    PIXTRAL_RUNTIME: join(scratch, 'runtime'),
  };
  const sizes = ['--context', String(contextSize), '--parallel', String(slots), '--threads', String(threads)];
  const runtime = ['--model', pair, '--gpu', 'off', '--cache-type', 'f16', '--on-loop', 'off', '--port', '0'];
  const child = spawnTied([...pixtral, 'serve', ...sizes, ...runtime], env);
  let log = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  for (;;) {
    const url = /listening on (http\S+)/.exec(log)?.[1];
    // What it still writes has to be whole when it is started anew.
    const close = async (): Promise<void> => {
      endGroup(child, 'SIGTERM');
      await ended;
    };
    if (url !== undefined) return { url, pid: child.pid!, env, close };
    if (child.exitCode !== null) throw new Error(`pixtral serve did not start: ${log}`);
    await setTimeout(20);
  }
}

async function startLlama({ pair, contextSize, slots, threads, tree }: ServerShape): Promise<Started> {
  const model = ['-m', join(pair, 'model.gguf'), '--mmproj', join(pair, 'mmproj.gguf'), '-ngl', '0'];
  const sizes = ['--image-min-tokens', '1', '--image-max-tokens', '4096', '-np', String(slots)];
  const room = ['-c', String(contextSize * slots), '-t', String(threads), '-tb', String(threads)];
  const words = [...model, ...sizes, ...room, '-ctk', 'f16', '-ctv', 'f16', '--skip-chat-parsing'];
  const server = await startLlamaServer([join(tree, 'build/bin/llama-server'), ...words]);
  return { url: server.url, pid: server.pid, env: {}, close: () => server.close() };
}

async function post(url: string, body: object): Promise<Response> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (response.status !== 200) throw new Error(`${response.status}: ${(await response.text()).slice(0, 500)}`);
  return response;
}

async function complete(url: string, body: object): Promise<Completed> {
  const { usage, pixtral: own } = (await (await post(url, body)).json()) as {
    usage: { completion_tokens: number };
    pixtral?: { timings: Record<string, number> };
  };
  const milliseconds = own && Object.values(own.timings).reduce((sum, value) => sum + value, 0);
  return { completion: usage.completion_tokens, milliseconds };
}

async function firstToken(url: string, body: object): Promise<void> {
  const response = await post(url, { ...body, stream: true });
  let text = '';
  for await (const part of response.body!.pipeThrough(new TextDecoderStream()) as unknown as AsyncIterable<string>) {
    text += part;
    if (/"content": ?"[^"]/.test(text)) return; // leaving the loop closes the connection
  }
  throw new Error(`no words came: ${text.slice(0, 500)}`);
}

async function requestSeconds(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(
    /^pixtral_request_seconds_total\{route="\/v1\/chat\/completions",status="200"\} (\S+)$/m.exec(text)?.[1] ?? 0,
  );
}

/** Processor seconds of a group of processes: proc_pid_stat(5), pgrp, utime and stime. */
function groupSeconds(group: number): number {
  const ticksPerSecond = 100;
  let ticks = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const fields = statOf(name);
    if (Number(fields[2]) === group) ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / ticksPerSecond;
}

/** Fields behind the name; none of a process that has just ended. */
function statOf(pid: string): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
