import type { Chunk, Message } from '../../src/prompt/message.ts';
import { golden } from './tekken.ts';

export interface Grid {
  grid: { columns: number; rows: number };
}

export const said = (text: string): Chunk<Grid> => ({ kind: 'text', text });
export const picture = (columns: number, rows: number): Chunk<Grid> => ({
  kind: 'image',
  image: { grid: { columns, rows } },
});
export const user = (...content: Chunk<Grid>[]): Message<Grid> => ({ role: 'user', content });
export const system = (...content: Chunk<Grid>[]): Message<Grid> => ({ role: 'system', content });
export const assistant = (text: string): Message<Grid> => ({ role: 'assistant', content: [said(text)] });

type GoldenChunk = { text: string } | { image: [columns: number, rows: number] };

interface GoldenRow {
  messages: { role: Message<Grid>['role']; content: GoldenChunk[]; prefix?: boolean }[];
  v3: number[] | null;
  v7: number[] | null;
  /** Absent where they equal v7's. */
  v11?: number[] | null;
  v13?: number[] | null;
}

export interface GoldenConversation {
  messages: Message<Grid>[];
  /** mistral-common's ids, or null where it refuses. */
  ids: Record<'v3' | 'v7' | 'v11' | 'v13' | 'v7-v13', number[] | null>;
}

export function goldenConversations(): GoldenConversation[] {
  return (golden('conversations') as GoldenRow[]).map(({ messages, v3, v7, v11 = v7, v13 = v7 }) => ({
    messages: messages.map((message) => ({
      ...message,
      content: isEmptyText(message.content)
        ? []
        : message.content.map((chunk) => ('text' in chunk ? said(chunk.text) : picture(...chunk.image))),
    })),
    ids: { v3, v7, v11, v13, 'v7-v13': v7 },
  }));
}

/** The maker of the golden file hands a lone text over as a string, and an empty string is nothing said. */
function isEmptyText(content: readonly GoldenChunk[]): boolean {
  const [first] = content;
  return content.length === 1 && first !== undefined && 'text' in first && first.text === '';
}
