/**
 * The pairs that we write, in llama.cpp's own llama-mtmd-cli against our own run: greedy, the same pictures and prompts. The
 * Both are given the PNG that `pixtral view` writes: the tool's own resize then does nothing. Without --jinja it guesses
 * another template of its own for those with [SYSTEM_PROMPT], one with spaces.
 *
 *   npm run compare:mtmd -- <path of llama-mtmd-cli> [mistral merger ministral-3 demo ...]
 *
 * (built from node_modules/node-llama-cpp/llama/gitRelease.bundle: cmake, target llama-mtmd-cli). llama.cpp's tower uses
 * the tanh GELU and rounds pixels to f16. The script dumps its embedding rows, feeds them to our decoder, and shows at the
 * first step that differs how close the two best logits are and how far the towers push them apart.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openNative } from '../../src/native/open-native.ts';
import { readModelFiles } from '../../src/engine/runtime/model-files.ts';
import { checkpointFolder, relativeError, relatives, scenePath } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';
import { convertedFolder } from '../helpers/converted.ts';
import { type Trace, openTracer } from './trace.ts';

const [tool, ...asked] = process.argv.slice(2);
if (tool === undefined) throw new Error('usage: npm run compare:mtmd -- <llama-mtmd-cli>');

const steps = 32;
const checkpoints = ['mistral', 'huggingface', 'merger', ...relatives] as const;
const folders: Readonly<Record<string, string>> = {
  ...Object.fromEntries(checkpoints.map((name) => [name, checkpointFolder(name)])),
  demo: fileURLToPath(new URL('../../models/demo', import.meta.url)),
};
const scenes = ['a-80x48.png', 'b-48x80.png', 'c-64x64.png'];
const prompts = ['describe this', 'what is on the left', 'how many'];

const scratch = await mkdtemp(join(tmpdir(), 'pixtral-peer-'));
const native = await openNative({ gpu: 'off', onLog: () => {} });
let failures = 0;
try {
  for (const name of asked.length > 0 ? asked : Object.keys(folders)) await compareModel(name, folders[name]!);
} finally {
  await native.close();
  await rm(scratch, { recursive: true, force: true });
}
process.exitCode = failures > 0 ? 1 : 0;

async function compareModel(name: string, folder: string): Promise<void> {
  const pair = await convertedFolder(folder, 'f32', native);
  const files = await readModelFiles(pair);
  const tracer = await openTracer(native, files);
  try {
    for (const scene of scenes) {
      const seen = join(scratch, 'seen.png');
      const view = await cli(['view', scenePath(scene), '--model', pair.folder, '-o', seen, '--force']);
      if (view.exitCode !== 0) throw new Error(view.stderr);
      for (const prompt of prompts) {
        const dump = join(scratch, 'rows.bin');
        const ours = await tracer.run(seen, { prompt, rows: undefined, steps });
        const theirText = wholeText(() => runTool(pair, { seen, prompt, dump }), printed(ours.ids));
        const rows = readDump(dump);
        const theirs = await tracer.run(seen, { prompt, rows, steps });
        const towers = relativeError(rows, ours.rows.subarray(0, rows.length));
        report(`${name}, ${scene}, ${JSON.stringify(prompt)}`, { ours, theirs, towers, theirText });
      }
    }
  } finally {
    tracer.close();
    await pair.remove();
  }

  // The tool prints control tokens by name and bytes as they come, but for NUL, which ends a string in C.
  function printed(ids: readonly number[]): Buffer {
    const bytes = Buffer.concat(
      ids.map((id) => (files.tekken.isControl(id) ? Buffer.from(files.tekken.label(id)) : files.tekken.bytes(id))),
    );
    return withoutEnd(bytes.filter((byte) => byte !== 0));
  }

  function report(
    what: string,
    { ours, theirs, towers, theirText }: { ours: Trace; theirs: Trace; towers: number; theirText: Buffer },
  ): void {
    const at = ours.ids.findIndex((id, step) => id !== theirs.ids[step]);
    let verdict = 'the same answer';
    if (!theirText.equals(printed(ours.ids))) {
      const explained = theirText.equals(printed(theirs.ids)) && at >= 0 && ours.gaps[at]! < shift(ours, theirs, at);
      verdict = explained
        ? `differs first at step ${at}: the two best logits are ${ours.gaps[at]!.toExponential(1)} apart, the towers shift them by ${shift(ours, theirs, at).toExponential(1)}`
        : `UNEXPLAINED: ${JSON.stringify(theirText.toString())} against ${JSON.stringify(printed(ours.ids).toString())}`;
      if (!explained) failures++;
    }
    process.stdout.write(`${what}: ${verdict} (towers differ by ${towers.toExponential(1)})\n`);
  }
}

/** Once in some runs the tool loses the end of its output when it exits: an answer cut short is asked for again. */
function wholeText(run: () => Buffer, expected: Buffer): Buffer {
  let text = run();
  for (let attempt = 0; attempt < 3 && isCut(text, expected); attempt++) text = run();
  return text;
}

function isCut(text: Buffer, expected: Buffer): boolean {
  return text.length < expected.length && expected.subarray(0, text.length).equals(text);
}

/** Largest change of a logit at a step. */
function shift(ours: Trace, theirs: Trace, step: number): number {
  return Math.max(...ours.logits[step]!.map((logit, id) => Math.abs(logit - theirs.logits[step]![id]!)));
}

function runTool(
  { model, mmproj }: { model: string; mmproj: string },
  { seen, prompt, dump }: { seen: string; prompt: string; dump: string },
): Buffer {
  const { status, stdout, stderr } = spawnSync(
    tool!,
    [
      ['--jinja', '-m', model, '--mmproj', mmproj, '--image', seen, '-p', prompt],
      ['--temp', '0', '-n', String(steps), '-c', '512', '-ctk', 'f32', '-ctv', 'f32', '-fa', 'off'],
      ['--image-min-tokens', '1', '--image-max-tokens', '4096'],
    ].flat(),
    { env: { ...process.env, MTMD_DEBUG_EMBEDDINGS: dump } },
  );
  if (status !== 0) throw new Error(`llama-mtmd-cli ended with ${status}: ${stderr.toString().slice(-500)}`);
  // One newline before the answer, two or three behind it.
  return withoutEnd(stdout.subarray(1));
}

/** Without the newlines at its end, of which nobody knows whether they are the answer's. */
function withoutEnd(bytes: Uint8Array): Buffer {
  const last = bytes.findLastIndex((byte) => byte !== 0x0a);
  return Buffer.from(bytes.subarray(0, last + 1));
}

/** [int32 rows, int32 width, f32 values]: [IMG_BREAK] rows included, [IMG_END] not. */
function readDump(path: string): Float32Array {
  const bytes = readFileSync(path);
  const [rows, width] = [bytes.readInt32LE(0), bytes.readInt32LE(4)];
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + 8, bytes.byteOffset + 8 + rows * width * 4));
}
