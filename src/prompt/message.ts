/** One part of a message, in the order in which a person sees them. `I` is whatever carries a picture's grid. */
export type Chunk<I> = { kind: 'text'; text: string } | { kind: 'image'; image: I };

export interface Message<I> {
  role: 'system' | 'user' | 'assistant';
  content: readonly Chunk<I>[];
  /** The last message only, an assistant's: the model goes on from its text. */
  prefix?: boolean;
}

/** What carries the pictures of a message, in their order. */
export function imagesOf<I>(content: readonly Chunk<I>[]): I[] {
  return content.flatMap((chunk) => (chunk.kind === 'image' ? [chunk.image] : []));
}

/** A picture's layout in tokens, after resizing: `columns` across and `rows` down. */
export interface Gridded {
  grid: { columns: number; rows: number };
}
