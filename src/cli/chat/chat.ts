import type { Answerer } from '../../asking/answerer.ts';
import type { PictureOptions } from '../../asking/pictures/picture-chunks.ts';
import type { Tekken } from '../../tokenizer/tekken.ts';
import type { EngineFlags } from '../engine-flags.ts';
import type { Io } from '../io.ts';
import type { PictureFlags } from '../picture-flags.ts';
import type { ServerFlags } from '../server-flags.ts';
import type { PictureViewer } from './picture-viewer.ts';
import { type Change, type Session, changed } from './session.ts';

/** As commander gives them. */
export interface ChatFlags extends EngineFlags, PictureFlags, ServerFlags {
  system?: string;
  schema?: string;
  stop: string[];
  open?: string;
  transcript?: string;
  history: boolean;
  reproducible?: boolean;
  color: boolean;
  inline: 'auto' | 'off' | 'kitty' | 'iterm2' | 'sixel';
}

/** Whoever answers, and what is known of its context. */
export interface Partner {
  answerer: Answerer;
  /** As it is shown. */
  name: string;
  /** undefined where a server keeps it to itself. */
  tekken: Tekken | undefined;
  /** Tokens that a conversation and its answer may have; undefined where a server does not say. */
  contextSize: number | undefined;
}

/** A conversation and its surroundings; the session is replaced with every change. */
export interface Chat {
  session: Session;
  readonly partner: Partner;
  readonly flags: ChatFlags;
  readonly io: Io;
  readonly pictures: Omit<PictureOptions, 'image'>;
  /** Somebody sits at a terminal: mistakes are told and the conversation goes on. */
  readonly isTyped: boolean;
  readonly viewer: PictureViewer | undefined;
  /** Where the transcript goes after every turn, and whether it is ours to replace. */
  transcript: { path: string; isOurs: boolean } | undefined;
  /** Of the last answer. */
  lastSeed: number | undefined;
  /** Lines beside the answers. */
  note(lines: string): void;
}

export function change(chat: Chat, what: Change): void {
  chat.session = changed(chat.session, what);
}

/** Of a terminal that does not say how wide it is. */
const usualColumns = 80;

/** Of the terminal that shows the notes. */
export function columnsOf({ io }: Pick<Chat, 'io'>): number {
  return io.stderr.columns ?? usualColumns;
}
