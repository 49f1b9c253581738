import type { TokenizerVersion } from '../tokenizer/tekken.ts';
import type { Message } from './message.ts';

/** Where a form of the answer is told: no version has control tokens for it, so it is a part of the last question. */
const places: Readonly<Record<TokenizerVersion, 'behind the last question'>> = {
  v3: 'behind the last question',
  v7: 'behind the last question',
  v11: 'behind the last question',
  v13: 'behind the last question',
  v15: 'behind the last question', // where its settings have no place for it
  'v7-v13': 'behind the last question',
};

/** The messages with the form that the answer must have, in a few words. */
export function tellSchema<I>(
  messages: readonly Message<I>[],
  { form, version }: { form: string; version: TokenizerVersion },
): Message<I>[] {
  const text = `Answer in JSON of this form:\n${form}`;
  switch (places[version]) {
    case 'behind the last question': {
      const last = messages.findLastIndex(({ role }) => role === 'user');
      return messages.map((message, at) =>
        at === last ? { ...message, content: withText(message.content, text) } : message,
      );
    }
    default:
      return places[version] satisfies never;
  }
}

function withText<I>(content: Message<I>['content'], text: string): Message<I>['content'] {
  const last = content.at(-1);
  if (last?.kind !== 'text') return [...content, { kind: 'text', text }];
  return [...content.slice(0, -1), { kind: 'text', text: `${last.text}\n\n${text}` }];
}
