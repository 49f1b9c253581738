import { serveMcp } from '../../mcp/mcp-server.ts';
import { type BatchRuntimeFlags, endings, openBatchEngine } from '../batch/run-batch.ts';
import type { EngineFlags } from '../engine-flags.ts';
import { freeText } from '../free-text.ts';
import type { Io } from '../io.ts';
import { defaults } from '../options.ts';
import { packageVersion } from '../package-version.ts';
import { type PictureFlags, pictureSettings } from '../picture-flags.ts';

export interface McpFlags extends EngineFlags, BatchRuntimeFlags, PictureFlags {
  root: string;
}

/** Serves until the client closes standard input. */
export async function runMcp({ flags, io }: { flags: McpFlags; io: Io }): Promise<void> {
  const { root, detail } = flags;
  const { unsure, queue: mostWaiting } = defaults;
  await serveMcp({
    ...endings(io, () => {}),
    root,
    detail,
    unsure,
    mostWaiting,
    open: async () => {
      const engine = await openBatchEngine({ flags, io }, { questions: mostWaiting, once: false });
      await engine.start(io.signal);
      return engine;
    },
    options: freeText(flags),
    pictures: pictureSettings(flags, { io, stdin: async () => new Uint8Array() }),
    version: packageVersion(),
  });
}
