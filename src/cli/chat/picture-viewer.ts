import { setTimeout } from 'node:timers/promises';
import type { Picture } from '../../image/decoder/load.ts';
import type { GridConfig } from '../../image/pixels/grid.ts';
import type { InlinePicture, InlineProtocol } from '../../output/inline-picture.ts';
import type { Io } from '../io.ts';
import type { ChatFlags } from './chat.ts';

/** Shows in the terminal what was attached, small, as the model sees it. */
export interface PictureViewer {
  show(pictures: readonly Picture[]): Promise<void>;
}

/** Of one source, with many pages. */
const mostShown = 3;
const maxSide = 320;
/** In milliseconds; tmux follows within some tens. */
const inlinePause = 150;

/** undefined where the terminal shows no pictures, or does not say that it does. */
export async function pictureViewer(
  { inline }: Pick<ChatFlags, 'inline'>,
  { io, image }: { io: Io; image: GridConfig },
): Promise<PictureViewer | undefined> {
  const { inlineProtocol, inlineSteps, inlineWay } = await import('../../output/inline-picture.ts');
  const { passesOn } = await import('../../output/tmux.ts');
  if (!io.stdout.isTTY || inline === 'off') return undefined;
  const protocol: InlineProtocol | undefined =
    inline === 'auto' ? await inlineProtocol(io.env, (query) => io.stdin.ask(query), passesOn) : inline;
  if (protocol === undefined) return undefined;
  const way = inlineWay(io.env, io.stdout);
  const { seenPixels } = await import('../../image/pixels/seen.ts');
  const { thumbnail } = await import('../../image/pixels/thumbnail.ts');
  const { encodePng } = await import('../../image/pixels/write-png.ts');
  /** What goes to a server has no pixels here but a file, which sixels cannot be made of. */
  const shownOf = async (picture: Picture): Promise<InlinePicture | undefined> => {
    const { png, grid } = picture;
    if (png) return protocol === 'sixel' ? undefined : { ...grid, png, bytes: new Uint8Array() };
    const small = thumbnail(seenPixels(picture, image), maxSide);
    return { ...small, png: await encodePng(small, 'small') };
  };
  return {
    async show(pictures) {
      for (const picture of pictures.slice(0, mostShown)) {
        const shown = await shownOf(picture);
        if (!shown) return;
        for (const [index, step] of inlineSteps(shown, protocol, way).entries()) {
          if (index > 0) await setTimeout(inlinePause);
          io.stdout.write(step);
        }
      }
    },
  };
}
