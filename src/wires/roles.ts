import type { Source } from '../image/sources/sources.ts';
import type { Message } from '../prompt/message.ts';
import { wrong } from './fields.ts';

const roles: Readonly<Record<string, Message<Source>['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
};

/** Who speaks, in OpenAI's words. @throws PixtralError `input` */
export function roleOf(role: unknown, where: string): Message<Source>['role'] {
  const known = typeof role === 'string' && Object.hasOwn(roles, role) ? roles[role] : undefined;
  if (!known) throw wrong(where, role, `one of ${Object.keys(roles).join(', ')}`);
  return known;
}
