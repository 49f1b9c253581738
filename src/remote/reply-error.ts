import { PixtralError } from '../base/errors.ts';
import { retryAfter } from '../hub/http.ts';
import type { WholeReply } from './connection.ts';
import { ServerFault, ServerRefusal } from './fault.ts';
import { asObject, parseReply } from './json.ts';

interface Asked {
  /** The server's. */
  name: string;
  model: string;
}

/** Of a page in HTML nobody wants to read more. */
const shownLength = 300;

/**
 * What a status that is no success means.
 * @throws ServerFault for what may go better, PixtralError with the server's own words for what does not
 */
export function refuseStatus({ status, headers, text }: WholeReply, { name, model }: Asked): never {
  const said = messageOf(text);
  const what = `${name}: answered ${status}${said === '' ? '' : `: ${said}`}`;
  const wait = retryAfter(headerOf(headers['retry-after']));
  if (status === 429) throw new ServerFault('busy', what, { waitMilliseconds: wait });
  if (status === 408 || status >= 500) {
    if (wait === undefined) throw new ServerFault('failed', what, { status });
    throw new ServerFault('busy', what, { waitMilliseconds: wait });
  }
  switch (status) {
    case 401:
    case 403:
      throw new ServerRefusal('usage', what, {
        hint: 'give the key in PIXTRAL_API_KEY, or the file that holds it by --api-key; check that it is for this server',
      });
    case 404:
      throw new ServerRefusal('model', what, {
        hint: `is ${JSON.stringify(model)} there, and does the address end before /v1? curl ${name}/v1/models says`,
      });
    case 413:
      throw new PixtralError('input', what, {
        hint: 'give fewer pictures, or --detail low; or raise the limit of the server',
      });
    default:
      throw new PixtralError('input', what);
  }
}

function headerOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** In one line. OpenAI's shape, FastAPI's, or whatever it is. */
export function messageOf(text: string): string {
  const found = fieldsOf(text);
  return (found ?? text).replaceAll(/\s+/g, ' ').trim().slice(0, shownLength);
}

function fieldsOf(text: string): string | undefined {
  let value: unknown;
  try {
    value = parseReply(text);
  } catch {
    return undefined;
  }
  const { error, message, detail } = asObject(value) ?? {};
  for (const one of [asObject(error)?.['message'], error, message, detail]) {
    if (typeof one === 'string') return one;
    if (one !== undefined && one !== null) return JSON.stringify(one);
  }
  return undefined;
}
