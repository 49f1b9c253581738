import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import OpenAI from 'openai';
import { main } from '../../src/cli/main.ts';
import { scenePath } from './checkpoints.ts';

export interface Running {
  url: string;
  stderr(): string;
  stop(signal: number): Promise<number>;
}

/** The cache of the servers of one test file: the demo model is converted once in it. */
export const serverCache = (): Promise<string> => mkdtemp(join(tmpdir(), 'pixtral-serve-'));

/** Serves the demo model in this process, on a port of its own. */
export async function startServer(cache: string, ...words: string[]): Promise<Running> {
  const controller = new AbortController();
  let stderr = '';
  const base = ['serve', '--model', 'demo', '--gpu', 'off', '--threads', '1', '--temperature', '0', '--port', '0'];
  const ended = main([...base, ...words], {
    stdin: { isTTY: true, read: async () => new Uint8Array(), ask: async () => undefined },
    stdout: { isTTY: false, write: () => {} },
    stderr: { isTTY: false, write: (text) => void (stderr += String(text)) },
    env: { PIXTRAL_CACHE: cache, PIXTRAL_DATA: join(cache, 'data'), PIXTRAL_RUNTIME: join(cache, 'runtime') },
    signal: controller.signal,
  });
  for (;;) {
    const url = /listening on (http\S+)/.exec(stderr)?.[1];
    if (url !== undefined) {
      const stop = (signal: number): Promise<number> => {
        controller.abort(signal);
        return ended;
      };
      return { url, stderr: () => stderr, stop };
    }
    assert.equal(await Promise.race([ended, setTimeout(20, 'runs')]), 'runs', stderr);
  }
}

/** One for all tests of a file, ended and forgotten after the last of them. */
export async function sharedServer(...words: string[]): Promise<{ cache: string; server: Running }> {
  const cache = await serverCache();
  const server = await startServer(cache, ...words);
  after(async () => {
    await server.stop(constants.signals.SIGINT);
    await rm(cache, { recursive: true, force: true });
  });
  return { cache, server };
}

export const clientOf = (url: string, apiKey = 'none'): OpenAI =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });

/** A drawing of the demo world as a data: URI. */
export const drawing = async (name: string): Promise<string> =>
  `data:image/png;base64,${(await readFile(scenePath(`demo/${name}`))).toString('base64')}`;

/** What the demo model says of a drawing. */
export const seen: Record<string, string> = {
  '0022a.png':
    'A small green star at the top left, a small red cross in the center, a big pink star at the bottom and a small black star at the bottom right.',
  '0007a.png': 'The word "BUS" in yellow.',
};
