import { sixel } from './sixel.ts';
import { wrapped } from './tmux.ts';

export type InlineProtocol = 'kitty' | 'iterm2' | 'sixel';

type Environment = Readonly<Record<string, string | undefined>>;

/** Terminals that say who they are, and draw in a way that cannot be asked for. */
const terminals: readonly { is: (env: Environment) => boolean; speaks: InlineProtocol }[] = [
  { is: (env) => env['KITTY_WINDOW_ID'] !== undefined || /kitty|ghostty/.test(env['TERM'] ?? ''), speaks: 'kitty' },
  { is: (env) => /^ghostty$/i.test(env['TERM_PROGRAM'] ?? ''), speaks: 'kitty' },
  { is: (env) => /^(iTerm\.app|WezTerm|mintty)$/.test(env['TERM_PROGRAM'] ?? ''), speaks: 'iterm2' },
  { is: (env) => env['LC_TERMINAL'] === 'iTerm2', speaks: 'iterm2' },
];

/** "Primary device attributes": every terminal since the VT100 answers, with a 4 among its numbers if it knows sixels. */
export const attributesQuery = { text: '\u001B[c', end: /\[\?[\d;]*c/ };

/**
 * How this terminal shows pictures; undefined where it does not, or does not say.
 * @param ask writes a query to the terminal and gives its answer
 * @param tmuxPasses whether the tmux around hands pictures on
 */
export async function inlineProtocol(
  env: Environment,
  ask: (query: typeof attributesQuery) => Promise<string | undefined>,
  tmuxPasses: () => Promise<boolean> = async () => false,
): Promise<InlineProtocol | undefined> {
  // A multiplexer hands variables on from the terminal around it, but pictures only if it is told to.
  const inside = isInTmux(env) || env['STY'] !== undefined || /^(tmux|screen)/.test(env['TERM'] ?? '');
  const known = terminals.find(({ is }) => is(env))?.speaks;
  if (known && !inside) return known;
  const [, attributes = ''] = /\[\?([\d;]*)c/.exec((await ask(attributesQuery)) ?? '') ?? [];
  if (attributes.split(';').includes('4')) return 'sixel';
  return known && isInTmux(env) && (await tmuxPasses()) ? known : undefined;
}

export function isInTmux(env: Environment): boolean {
  return env['TMUX'] !== undefined && env['TMUX'] !== '';
}

export interface InlinePicture {
  png: Uint8Array;
  width: number;
  height: number;
  /** [height, width, 3] */
  bytes: Uint8Array;
}

/** What stands between us and the screen. */
export interface InlineWay {
  tmux: boolean;
  /** Of iTerm2's protocol, this terminal knows only files in one piece. */
  onePiece: boolean;
}

export function inlineWay(env: Environment, { isTTY }: { isTTY: boolean }): InlineWay {
  return { tmux: isTTY && isInTmux(env), onePiece: /^(WezTerm|mintty)$/.test(env['TERM_PROGRAM'] ?? '') };
}

/** Escape codes that draw a picture at the cursor, and a new line. */
export function inlinePicture(
  picture: InlinePicture,
  protocol: InlineProtocol,
  way: InlineWay = { tmux: false, onePiece: false },
): string {
  return inlineSteps(picture, protocol, way).join('');
}

/**
 * The same in steps, between which some time must pass: tmux puts its own cursor where ours is only after a while, and
 * what it hands on is drawn where its own is.
 */
export function inlineSteps(picture: InlinePicture, protocol: InlineProtocol, { tmux, onePiece }: InlineWay): string[] {
  if (protocol === 'sixel') return [`${sixel(picture)}\n`]; // tmux understands them
  const rows = tmux ? rowsInTmux(picture) : undefined;
  const sequences = protocol === 'kitty' ? kitty(picture, rows) : iterm2(picture, { rows, onePiece });
  if (rows === undefined) return [`${sequences.join('')}\n`];
  return [`${'\n'.repeat(rows)}\u001B[${rows}A`, `${sequences.map(wrapped).join('')}\u001B[${rows}B\r`];
}

/** tmux knows nothing of the picture: room is made for it, by lines as high as most are. */
function rowsInTmux({ height }: InlinePicture): number {
  return Math.min(Math.max(Math.ceil(height / 20), 1), 24);
}

/** Source: sw.kovidgoyal.net/kitty/graphics-protocol: PNG in base64, at most 4096 characters a piece. */
function kitty({ png }: InlinePicture, rows: number | undefined): string[] {
  const pieces = piecesOf(png, 4096);
  const size = rows === undefined ? '' : `r=${rows},C=1,`; // and the cursor stays
  return pieces.map((piece, index) => {
    const control = index === 0 ? `a=T,f=100,q=2,${size}` : '';
    return `\u001B_G${control}m=${index < pieces.length - 1 ? 1 : 0};${piece}\u001B\\`;
  });
}

/** iTerm2 from 3.5 on and tmux drop longer sequences; half of it leaves room for what stands around. */
const maxSequence = 1_048_576;

/** Source: iterm2.com/documentation-images.html. */
function iterm2({ png }: InlinePicture, { rows, onePiece }: { rows: number | undefined; onePiece: boolean }): string[] {
  const size = `inline=1;size=${png.byteLength}${rows === undefined ? '' : `;height=${rows}`}`;
  const whole = command(`File=${size}:${Buffer.from(png).toString('base64')}`);
  if (onePiece || whole.length <= maxSequence - 64) return [whole];
  const pieces = piecesOf(png, maxSequence / 2);
  return [command(`MultipartFile=${size}`), ...pieces.map((piece) => command(`FilePart=${piece}`)), command('FileEnd')];
}

function command(text: string): string {
  return `\u001B]1337;${text}\u0007`;
}

function piecesOf(bytes: Uint8Array, length: number): string[] {
  const base64 = Buffer.from(bytes).toString('base64');
  return Array.from({ length: Math.ceil(base64.length / length) }, (_, index) =>
    base64.slice(index * length, (index + 1) * length),
  );
}
