import { setTimeout } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { PixtralError } from '../../base/errors.ts';
import type { PictureReceipt } from '../../asking/events.ts';
import type { PictureOptions } from '../../asking/pictures/picture-chunks.ts';
import type { Picture } from '../../image/decoder/load.ts';
import type { Source } from '../../image/sources/sources.ts';
import type { InlineProtocol, InlineWay } from '../../output/inline-picture.ts';
import { printableLine } from '../../output/printable.ts';
import { type Io, onceStdin, pictureStdinBytes } from '../io.ts';
import { namedModel } from '../named-model.ts';
import { defaults, modelOptions, outputOptions, pictureOptions } from '../options.ts';
import { type PictureFlags, pictureSettings } from '../picture-flags.ts';
import { namedSources, sourcesHelp } from '../prompt-arguments.ts';

interface ViewFlags extends PictureFlags {
  out?: string;
  grid?: boolean;
  force?: boolean;
  inline: InlineProtocol | 'auto' | 'off';
  model?: string;
  mmproj?: string;
  json?: boolean;
}

export function viewCommand(io: Io): Command {
  const command = new Command('view')
    .description('Show the very pixels that the model sees of pictures.')
    .argument('<images...>', 'pictures')
    .option('-o, --out <file>', 'PNG to write, - for stdout; several pictures become out-1.png, out-2.png, ...')
    .option('--grid', 'draw the grid of patches, columns and rows numbered, at twice the size')
    .option('-f, --force', 'replace files that are there')
    .addOption(
      new Option('--inline <how>', 'pictures in the terminal, without --out')
        .choices(['auto', 'kitty', 'iterm2', 'sixel', 'off'])
        .default(defaults.inline),
    )
    .addHelpText('after', sourcesHelp + notes);
  const groups = { 'Pictures:': pictureOptions(), 'Model:': modelOptions(), 'Output:': outputOptions() };
  for (const [heading, options] of Object.entries(groups)) {
    for (const option of options) command.addOption(option.helpGroup(heading));
  }
  return command.action((words: string[], flags: ViewFlags) => view(words, { flags, io }));
}

const notes = `

The pixels are the tower's own input after everything: turned upright, on white, resized, normalised and back again.
A PNG holds whole steps from 0 to 255: the resize swings over sharp edges, and values beyond are clamped; how many,
is said. Without --model the grid is Pixtral-12B's: patches of 16 pixels, 1024 at most.

Examples:
  pixtral view photo.jpg                          in a terminal that shows pictures
  pixtral view photo.jpg -o seen.png --grid
  pixtral view scan.tif#2 --detail tiles -o part.png`;

/** Where pictures go. */
type Target =
  | { kind: 'file'; path: string }
  | { kind: 'stdout' }
  | { kind: 'inline'; protocol: InlineProtocol; way: InlineWay };

/** One picture, made ready. */
interface Shown {
  receipt: PictureReceipt;
  png: Uint8Array;
  width: number;
  height: number;
  bytes: Uint8Array;
  /** Values beyond 0..255. */
  clamped: number;
}

async function view(words: readonly string[], { flags, io }: { flags: ViewFlags; io: Io }): Promise<void> {
  const target = await chooseTarget(flags, io);
  const sources: Source[] = [];
  for (const word of words) sources.push(...(await namedSources(word)));
  const named = await namedModel(flags, io);
  const { modelImageConfig } = await import('../../engine/tokens.ts');
  const image = named.model === undefined ? defaults.image : await modelImageConfig(named);
  const options = { ...pictureSettings(flags, { io, stdin: onceStdin(io, pictureStdinBytes) }), image };
  const { warnOfPictures } = await import('../../output/picture-warnings.ts');
  const { jsonLine } = await import('../../wires/json.ts');
  const json = flags.json === true;
  const images: object[] = [];
  const receipts: PictureReceipt[] = [];
  for await (const { item, number } of numbered(pictures(sources, options))) {
    const shown = await show(item, { image, grid: flags.grid === true });
    const file = await deliver(shown, { target, number, flags, io });
    receipts.push(shown.receipt);
    images.push({ ...shown.receipt, file, clamped: shown.clamped });
    if (!json) io.stderr.write(await receiptLine(shown));
  }
  warnOfPictures(receipts, { write: (text) => io.stderr.write(text), json });
  if (json) io.stdout.write(jsonLine({ images }));
}

async function chooseTarget({ out, inline, json }: ViewFlags, io: Io): Promise<Target> {
  if (out === '-') {
    if (json !== true && !io.stdout.isTTY) return { kind: 'stdout' };
    const other = json === true ? 'the JSON line' : 'a terminal';
    throw new PixtralError('usage', `-o -: stdout is ${other}, expected a pipe or a file for the PNG`);
  }
  if (out !== undefined) {
    if (/\.png$/i.test(out)) return { kind: 'file', path: out };
    throw new PixtralError('usage', `-o ${out}: PNG is written, expected a name that ends in .png`);
  }
  const { inlineProtocol, inlineWay } = await import('../../output/inline-picture.ts');
  const { passesOn } = await import('../../output/tmux.ts');
  const way = inlineWay(io.env, io.stdout);
  const found =
    inline === 'auto' && io.stdout.isTTY
      ? await inlineProtocol(io.env, (query) => io.stdin.ask(query), passesOn)
      : inline;
  if (found !== undefined && found !== 'auto' && found !== 'off' && json !== true) {
    if (way.tmux && found !== 'sixel' && !(await passesOn())) throw notPassedOn(found);
    return { kind: 'inline', protocol: found, way };
  }
  throw new PixtralError('usage', 'no place for the picture: -o was not given', {
    hint: 'write it with -o seen.png; a terminal that can show pictures but does not say so: --inline kitty, iterm2 or sixel',
  });
}

function notPassedOn(protocol: InlineProtocol): PixtralError {
  return new PixtralError('usage', `--inline ${protocol}: tmux hands no pictures on, expected its allow-passthrough`, {
    hint: "'tmux set -g allow-passthrough on' lets it; or write the picture with -o seen.png",
  });
}

async function* pictures(sources: readonly Source[], options: PictureOptions): AsyncGenerator<Picture, void> {
  const { pictureChunks } = await import('../../asking/pictures/picture-chunks.ts');
  for (const source of sources) {
    for await (const chunk of pictureChunks(source, options)) if (chunk.kind === 'image') yield chunk.image;
  }
}

/** From 1; undefined for one that is alone. Holds back one item to know. */
async function* numbered<T>(items: AsyncIterable<T>): AsyncGenerator<{ item: T; number: number | undefined }, void> {
  let held: { item: T } | undefined;
  let number = 0;
  for await (const item of items) {
    if (held) yield { ...held, number: ++number };
    held = { item };
  }
  if (held) yield { ...held, number: number === 0 ? undefined : number + 1 };
}

async function show(
  picture: Picture,
  { image, grid }: { image: PictureOptions['image']; grid: boolean },
): Promise<Shown> {
  const { seenPixels } = await import('../../image/pixels/seen.ts');
  const { drawGrid } = await import('../../image/pixels/draw-grid.ts');
  const { encodePng } = await import('../../image/pixels/write-png.ts');
  const { pictureReceipt } = await import('../../asking/pictures/receipt.ts');
  const seen = seenPixels(picture, image);
  const drawn = grid ? drawGrid(seen, { grid: picture.grid, image }) : seen;
  return { ...drawn, png: await encodePng(drawn, 'small'), receipt: pictureReceipt(picture), clamped: seen.clamped };
}

/** In milliseconds; tmux follows within some tens. */
const inlinePause = 150;

/** Returns the file's name where it became one. */
async function deliver(
  shown: Shown,
  { target, number, flags, io }: { target: Target; number: number | undefined; flags: ViewFlags; io: Io },
): Promise<string | undefined> {
  switch (target.kind) {
    case 'inline': {
      const { inlineSteps } = await import('../../output/inline-picture.ts');
      for (const [index, step] of inlineSteps(shown, target.protocol, target.way).entries()) {
        if (index > 0) await setTimeout(inlinePause);
        io.stdout.write(step);
      }
      return undefined;
    }
    case 'stdout': {
      if (number !== undefined) throw new PixtralError('usage', '-o -: several pictures, expected one for stdout');
      io.stdout.write(shown.png);
      return undefined;
    }
    case 'file': {
      const { writeWhole } = await import('../../base/files.ts');
      const path = number === undefined ? target.path : target.path.replace(/\.png$/i, `-${number}$&`);
      await writeWhole(path, { bytes: shown.png, force: flags.force === true, signal: io.signal });
      if (flags.json !== true) io.stdout.write(`${io.stdout.isTTY ? printableLine(path) : path}\n`);
      return path;
    }
    default:
      return target satisfies never;
  }
}

async function receiptLine({ receipt, clamped }: Shown): Promise<string> {
  const { receiptCells } = await import('../../output/layout.ts');
  const share = (100 * clamped) / (receipt.seen[0] * receipt.seen[1] * 3);
  const percent = share < 0.01 ? 'under 0.01' : share.toFixed(2);
  const note = clamped === 0 ? 'no value clamped' : `${percent} % of values clamped`;
  return `${[...receiptCells(receipt), note].join('  ')}\n`;
}
