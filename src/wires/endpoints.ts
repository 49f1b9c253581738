import { wrong } from './fields.ts';
import { chatRequest } from './chat-request.ts';
import { decisionRequest } from './decision-request.ts';
import type { ReadRequest } from './request.ts';
import { responsesRequest } from './responses-request.ts';
import { systemOneRequest } from './systemone-request.ts';

/** What can be asked in the words of OpenAI's API and vLLM's, by the path that is asked. */
export const endpoints = {
  '/v1/chat/completions': chatRequest,
  '/v1/responses': responsesRequest,
  '/v1/decisions': decisionRequest,
  '/v1/systemone': systemOneRequest,
} as const satisfies Record<string, ReadRequest>;

export type Endpoint = keyof typeof endpoints;

/** @throws PixtralError `input` for a path that cannot be asked */
export function endpointOf(url: unknown, where: string): Endpoint {
  if (isEndpoint(url)) return url;
  const known = Object.keys(endpoints).map((one) => JSON.stringify(one));
  throw wrong(where, url, known.join(' or '));
}

function isEndpoint(url: unknown): url is Endpoint {
  return typeof url === 'string' && Object.hasOwn(endpoints, url);
}
