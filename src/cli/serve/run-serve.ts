import { join } from 'node:path';
import { dataFolder } from '../../base/data-folder.ts';
import { jobHash } from '../../engine/answers/job-hash.ts';
import type { Engine } from '../../engine/engine.ts';
import { runtimeFolder } from '../../base/runtime-folder.ts';
import { servedKey } from '../../store/announcements.ts';
import { computedBy } from '../local-server.ts';
import { withoutPasswords } from '../../base/without-passwords.ts';
import { printable } from '../../output/printable.ts';
import { packageVersion } from '../package-version.ts';
import { checkExposed } from '../../serve/exposed.ts';
import { serveEngine } from '../../serve/serve-engine.ts';
import { formatMemo } from '../../wires/format-memo.ts';
import { type BatchRuntimeFlags, endings, openBatchEngine } from '../batch/run-batch.ts';
import type { EngineFlags } from '../engine-flags.ts';
import { freeText } from '../free-text.ts';
import type { Io } from '../io.ts';
import { type PictureFlags, pictureSettings } from '../picture-flags.ts';

export interface ServeFlags extends EngineFlags, BatchRuntimeFlags, PictureFlags {
  host: string;
  port: number;
  apiKey?: string;
  cors: string[];
  allowHost: string[];
  queue: number;
  data?: string;
}

/** As many may be in work over time: sequences are chosen by what fits, not by how many will come. */
const manyQuestions = 256;

/** Serves until a signal ends it: SIGTERM finishes what is in work, Ctrl-C drops it. */
export async function runServe({ flags, io }: { flags: ServeFlags; io: Io }): Promise<void> {
  const { host, port, apiKey, cors, allowHost: allowHosts, queue: mostWaiting, detail } = flags;
  checkExposed({ host, apiKey });
  const engine = await openBatchEngine({ flags, io }, { questions: manyQuestions, once: false });
  const note = (line: string): void => io.stderr.write(`${printable(withoutPasswords(line))}\n`);
  try {
    note(`${engine.files.name}: loading`);
    await engine.warm(io.signal);
    await serveEngine(engine, {
      ...endings(io, () => note('finishing the answers in work; once more ends them at once')),
      host,
      port,
      apiKey,
      cors,
      allowHosts,
      mostWaiting,
      note,
      data: flags.data ?? join(dataFolder(io.env), 'serve', folderName(engine.files.name)),
      local: await localOptions(engine, { flags, io }),
      job: await jobHash(engine.files, { cacheType: flags.cacheType, contextSize: flags.context }),
      defaults: {
        options: freeText({ ...flags, reasoning: flags.reasoning ?? 'show' }),
        detail,
        formats: formatMemo(),
      },
      pictures: pictureSettings(flags, { io, stdin: async () => new Uint8Array() }),
    });
  } finally {
    await engine.close();
  }
}

/** Each model has its own: batches of two servers do not get in each other's way. */
function folderName(model: string): string {
  return model.replaceAll(/[^\w.-]+/g, '_').replace(/^\.+/, '_');
}

async function localOptions(
  { files: { model, mmproj } }: Engine,
  { flags, io }: { flags: ServeFlags; io: Io },
): Promise<{ folder: string; key: string; version: string }> {
  const version = packageVersion();
  const key = await servedKey({ version, model: model.path, mmproj: mmproj.path, options: computedBy(flags) });
  return { folder: runtimeFolder(io.env), key, version };
}
