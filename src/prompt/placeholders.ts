import { PixtralError } from '../base/errors.ts';
import { type Chunk, imagesOf } from './message.ts';

const placeholder = /\{\{(\d+)\}\}|\{(\d+)\}/g;

/**
 * Puts image n where the texts say `{n}`; `{{n}}` stands for those characters. Texts without a place leave all images
 * where they are. Only the user's own words are read so, never a file's or a model's.
 * @param nameOf an image's name, for messages
 * @throws PixtralError `usage` unless every image has exactly one place
 */
export function placeImages<I>(content: readonly Chunk<I>[], nameOf: (image: I) => string): Chunk<I>[] {
  const images = imagesOf(content);
  const texts = content.map((chunk) => (chunk.kind === 'text' ? pieces(chunk.text) : []));
  const places = texts.flat().filter((piece) => typeof piece === 'number');
  if (places.length > 0) checkPlaces(places, { images, nameOf });
  return content.flatMap((chunk, index): Chunk<I>[] => {
    if (chunk.kind === 'image') return places.length > 0 ? [] : [chunk];
    return texts[index]!.map((piece) =>
      typeof piece === 'string' ? { kind: 'text', text: piece } : { kind: 'image', image: images[piece - 1]! },
    );
  });
}

/** Texts, and numbers of images between them. */
function pieces(text: string): (string | number)[] {
  const found: (string | number)[] = [];
  let open = '';
  let at = 0;
  for (const { 0: whole, 1: escaped, 2: place, index } of text.matchAll(placeholder)) {
    open += text.slice(at, index) + (escaped === undefined ? '' : `{${escaped}}`);
    at = index + whole.length;
    if (place === undefined) continue;
    found.push(open, Number(place));
    open = '';
  }
  return [...found, open + text.slice(at)].filter((piece) => piece !== '');
}

function checkPlaces<I>(
  places: readonly number[],
  { images, nameOf }: { images: readonly I[]; nameOf: (image: I) => string },
): void {
  const seen = new Set<number>();
  for (const place of places) {
    const count = images.length === 1 ? 'is 1 picture' : `are ${images.length} pictures`;
    if (place < 1 || place > images.length) throw badPlace(`{${place}}: there ${count}`, place);
    if (seen.has(place)) throw badPlace(`{${place}}: stands twice, expected once`, place);
    seen.add(place);
  }
  const unplaced = images.findIndex((_, index) => !seen.has(index + 1));
  if (unplaced >= 0) {
    const number = unplaced + 1;
    throw badPlace(
      `picture ${number} (${nameOf(images[unplaced]!)}): has no place in the prompt, expected {${number}}`,
      places[0]!,
    );
  }
}

function badPlace(what: string, place: number): PixtralError {
  return new PixtralError('usage', what, {
    hint: `{n} is the place of picture n; write {{${place}}} for the text {${place}}`,
  });
}
