import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ClipboardOptions, readClipboard } from '../../../src/image/sources/clipboard.ts';

const posix = { skip: process.platform === 'win32' && 'the tools of these tests are shell scripts' };

/** A PATH with these tools and nothing else; scripts use the shell's own commands only. */
async function withTools(
  t: TestContext,
  scripts: Record<string, string>,
  env: Record<string, string>,
): Promise<ClipboardOptions> {
  const folder = await mkdtemp(join(tmpdir(), 'pixtral-clip-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, name), 0o755);
  }
  return { platform: 'linux', env: { PATH: folder, ...env }, maxBytes: 2 ** 20 };
}

const xclip = `case "$4" in
  TARGETS) printf 'TIMESTAMP\\nTARGETS\\nimage/jpeg\\nimage/png\\ntext/html\\n';;
  *) printf 'bytes of %s' "$4";;
esac`;

test('xclip is asked for the type that loses least of those it offers', posix, async (t) => {
  const options = await withTools(t, { xclip }, { DISPLAY: ':0' });
  assert.equal(Buffer.from(await readClipboard(options)).toString(), 'bytes of image/png');
});

test('wl-paste comes first under Wayland, xclip where it is missing', posix, async (t) => {
  const env = { WAYLAND_DISPLAY: 'wayland-0', DISPLAY: ':0' };
  const wlPaste = `case "$1" in --list-types) echo image/bmp;; *) printf 'bytes of %s' "$2";; esac`;
  const both = await withTools(t, { xclip, 'wl-paste': wlPaste }, env);
  assert.equal(Buffer.from(await readClipboard(both)).toString(), 'bytes of image/bmp');
  const one = await withTools(t, { xclip }, env);
  assert.equal(Buffer.from(await readClipboard(one)).toString(), 'bytes of image/png');
});

test("macOS' own osascript answers in hexadecimal", posix, async (t) => {
  const options = await withTools(t, { osascript: "echo '«data PNGf89504E47»'" }, {});
  const bytes = await readClipboard({ ...options, platform: 'darwin' });
  assert.deepEqual([...bytes], [0x89, 0x50, 0x4e, 0x47]);
});

test('PowerShell answers in base64', posix, async (t) => {
  const options = await withTools(t, { 'powershell.exe': 'echo iVBORw==' }, { WSL_DISTRO_NAME: 'x' });
  assert.deepEqual([...(await readClipboard(options))], [0x89, 0x50, 0x4e, 0x47]);
});

test('a clipboard with text only holds no picture', posix, async (t) => {
  const message = 'clip: the clipboard holds no picture';
  const text = await withTools(t, { xclip: 'echo UTF8_STRING' }, { DISPLAY: ':0' });
  await assert.rejects(readClipboard(text), { code: 'input', message });
  const refusing = await withTools(t, { pngpaste: 'echo no image data >&2; exit 1' }, {});
  await assert.rejects(readClipboard({ ...refusing, platform: 'darwin' }), { code: 'input', message });
});

test('without a tool, or without a display, the error says what is missing', posix, async (t) => {
  const none = await withTools(t, {}, { DISPLAY: ':0', WAYLAND_DISPLAY: 'wayland-0' });
  await assert.rejects(readClipboard(none), { code: 'machine', message: /expected wl-paste or xclip to be installed/ });
  await assert.rejects(readClipboard({ ...none, env: {} }), {
    code: 'machine',
    message: /neither WAYLAND_DISPLAY nor/,
  });
});
