import { sixel } from './sixel.ts';

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
 */
export async function inlineProtocol(
  env: Environment,
  ask: (query: typeof attributesQuery) => Promise<string | undefined>,
): Promise<InlineProtocol | undefined> {
  // A multiplexer hands variables on from the terminal around it, but not pictures.
  const inside = env['TMUX'] !== undefined || env['STY'] !== undefined || /^(tmux|screen)/.test(env['TERM'] ?? '');
  const known = inside ? undefined : terminals.find(({ is }) => is(env))?.speaks;
  if (known) return known;
  const [, attributes = ''] = /\[\?([\d;]*)c/.exec((await ask(attributesQuery)) ?? '') ?? [];
  return attributes.split(';').includes('4') ? 'sixel' : undefined;
}

export interface InlinePicture {
  png: Uint8Array;
  width: number;
  height: number;
  /** [height, width, 3] */
  bytes: Uint8Array;
}

/** Escape codes that draw a picture at the cursor, and a new line. */
export function inlinePicture(picture: InlinePicture, protocol: InlineProtocol): string {
  switch (protocol) {
    case 'kitty':
      return `${kitty(picture)}\n`;
    case 'iterm2':
      return `${iterm2(picture)}\n`;
    case 'sixel':
      return `${sixel(picture)}\n`;
    default:
      return protocol satisfies never;
  }
}

/** Source: sw.kovidgoyal.net/kitty/graphics-protocol: PNG in base64, at most 4096 characters a piece. */
function kitty({ png }: InlinePicture): string {
  const pieces =
    Buffer.from(png)
      .toString('base64')
      .match(/.{1,4096}/g) ?? [];
  return pieces
    .map((piece, index) => {
      const control = index === 0 ? 'a=T,f=100,q=2,' : '';
      return `\u001B_G${control}m=${index < pieces.length - 1 ? 1 : 0};${piece}\u001B\\`;
    })
    .join('');
}

/** Source: iterm2.com/documentation-images.html. */
function iterm2({ png }: InlinePicture): string {
  return `\u001B]1337;File=inline=1;size=${png.byteLength}:${Buffer.from(png).toString('base64')}\u0007`;
}
