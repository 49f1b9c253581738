import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkpointFolder } from '../helpers/checkpoints.ts';
import { cli } from '../helpers/cli.ts';

let scratch: string;
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pixtral-regular-'));
});
after(() => rm(scratch, { recursive: true, force: true }));

const unix = { skip: process.platform === 'win32' };

/** A checkpoint one of whose files is a pipe that nobody writes to. */
async function checkpoint(pipe: string): Promise<string> {
  const folder = join(scratch, pipe);
  await mkdir(folder);
  for (const name of ['consolidated.safetensors', 'params.json', 'tekken.json']) {
    if (name === pipe) execFileSync('mkfifo', [join(folder, name)]);
    else await copyFile(join(checkpointFolder('mistral'), name), join(folder, name));
  }
  return folder;
}

for (const pipe of ['consolidated.safetensors', 'params.json', 'tekken.json']) {
  test(`a checkpoint whose ${pipe} is a pipe is refused, and not waited for`, unix, async () => {
    const folder = await checkpoint(pipe);
    const { exitCode, stderr } = await cli(['convert', folder, '--out', join(scratch, 'out'), '--dry-run']);
    assert.match(stderr, new RegExp(`${pipe}.*not a file`));
    assert.ok(exitCode === 4 || exitCode === 5, String(exitCode));
  });
}

test('a model or a tokenizer that is a pipe or a device is refused', unix, async () => {
  const pipe = join(scratch, 'pipe.gguf');
  execFileSync('mkfifo', [pipe]);
  const pixels = ['-p', 'x'];
  for (const words of [
    ['inspect', pipe],
    ['tokens', ...pixels, '--model', pipe, '--mmproj', pipe],
    ['tokens', ...pixels, '--model', '/dev/zero', '--mmproj', '/dev/zero'],
  ]) {
    const { exitCode, stderr } = await cli(words);
    assert.equal(exitCode, 4, stderr);
    assert.match(stderr, /not a file/);
  }
});
