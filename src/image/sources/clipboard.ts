import { execFile } from 'node:child_process';
import { PixtralError, errnoOf, reasonOf } from '../../base/errors.ts';

export interface ClipboardOptions {
  platform: NodeJS.Platform;
  env: Readonly<Record<string, string | undefined>>;
  maxBytes: number;
  signal?: AbortSignal | undefined;
}

/** One way to a clipboard: what it takes to run it, and how its output becomes a picture. */
interface Tool {
  command: string;
  isFor: (options: ClipboardOptions) => boolean;
  /** Lists the types that are there, one a line, where the tool must be told which to give. */
  list?: readonly string[];
  read: (type: string) => readonly string[];
  decode?: (output: Buffer) => Buffer;
}

const powershellScript = `Add-Type -AssemblyName System.Windows.Forms, System.Drawing
$picture = [System.Windows.Forms.Clipboard]::GetImage()
if ($picture -eq $null) { exit 1 }
$stream = New-Object System.IO.MemoryStream
$picture.Save($stream, [System.Drawing.Imaging.ImageFormat]::Png)
[Convert]::ToBase64String($stream.ToArray())`;

const tools: readonly Tool[] = [
  {
    command: 'wl-paste',
    isFor: ({ env }) => Boolean(env['WAYLAND_DISPLAY']),
    list: ['--list-types'],
    read: (type) => ['--type', type],
  },
  {
    command: 'xclip',
    isFor: ({ env }) => Boolean(env['DISPLAY']),
    list: ['-selection', 'clipboard', '-t', 'TARGETS', '-o'],
    read: (type) => ['-selection', 'clipboard', '-t', type, '-o'],
  },
  { command: 'pngpaste', isFor: ({ platform }) => platform === 'darwin', read: () => ['-'] },
  {
    command: 'osascript',
    isFor: ({ platform }) => platform === 'darwin',
    read: () => ['-e', 'get the clipboard as «class PNGf»'],
    decode: (output) => Buffer.from(/PNGf([\dA-F]+)/i.exec(output.toString('latin1'))?.[1] ?? '', 'hex'),
  },
  {
    command: 'powershell.exe', // also from Linux inside Windows
    isFor: ({ platform, env }) => platform === 'win32' || env['WSL_DISTRO_NAME'] !== undefined,
    read: () => ['-NoProfile', '-STA', '-Command', powershellScript],
    decode: (output) => Buffer.from(output.toString('latin1'), 'base64'),
  },
];

/** Types that a decoder knows, the ones that lose least first: many programs offer a picture in several. */
const types = [
  'image/png',
  'image/webp',
  'image/tiff',
  'image/jpeg',
  'image/avif',
  'image/heic',
  'image/gif',
  'image/bmp',
];

/** A tool that asks a program which no longer answers would wait for ever. */
const milliseconds = 10_000;

/**
 * The picture in the clipboard, by the first of the platform's tools that is installed.
 * @throws PixtralError `machine` without a tool, `input` without a picture
 */
export async function readClipboard(options: ClipboardOptions): Promise<Uint8Array> {
  const usable = tools.filter(({ isFor }) => isFor(options));
  for (const tool of usable) {
    const bytes = await readWith(tool, options);
    if (bytes) return bytes;
  }
  throw new PixtralError('machine', `clip: ${missing(usable)}`, {
    hint: 'save the picture to a file and give its path',
  });
}

function missing(usable: readonly Tool[]): string {
  if (usable.length === 0) return 'there is no clipboard: neither WAYLAND_DISPLAY nor DISPLAY is set';
  return `no tool reads the clipboard, expected ${usable.map(({ command }) => command).join(' or ')} to be installed`;
}

/** undefined when the tool is not installed. */
async function readWith(tool: Tool, options: ClipboardOptions): Promise<Uint8Array | undefined> {
  const offered = tool.list && (await run(tool.command, tool.list, options));
  if (tool.list && !offered) return undefined;
  const lines = offered?.toString('latin1').split(/\s+/) ?? types;
  const type = types.find((known) => lines.includes(known)) ?? lines.find((line) => line.startsWith('image/'));
  if (type === undefined) throw noPicture();
  const output = await run(tool.command, tool.read(type), options);
  if (!output) return undefined;
  const bytes = tool.decode?.(output) ?? output;
  if (bytes.byteLength === 0) throw noPicture();
  return bytes;
}

function run(
  command: string,
  words: readonly string[],
  { env, maxBytes, signal }: ClipboardOptions,
): Promise<Buffer | undefined> {
  const options = { encoding: 'buffer' as const, env, maxBuffer: maxBytes * 2, timeout: milliseconds, signal };
  return new Promise((resolve, reject) => {
    execFile(command, [...words], options, (failure, output, messages) => {
      if (!failure) resolve(output);
      else if (errnoOf(failure) === 'ENOENT') resolve(undefined);
      else if (signal?.aborted === true) reject(signal.reason as Error);
      else if (failure.killed === true) {
        reject(new PixtralError('machine', `clip: ${command} gave no answer within ${milliseconds / 1000} seconds`));
      } else reject(noPicture(messages.toString().trim().split('\n')[0] || reasonOf(failure)));
    });
  });
}

/** The tools say so by failing. */
function noPicture(reason?: string): PixtralError {
  const cause = reason === undefined ? undefined : new Error(reason);
  return new PixtralError('input', 'clip: the clipboard holds no picture', { hint: 'copy one first', cause });
}
