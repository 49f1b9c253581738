/** What the server takes in one request. */
const mostBytes = 64 * 2 ** 20;
const keyName = 'pixtral-api-key';

export const setKey = (key) => sessionStorage.setItem(keyName, key);

/**
 * Asks the server; while it is busy, again and again until `signal` ends that.
 * @returns the Response of a request that went well
 * @throws Error with words for the user; what `signal` says once it fires. An Error about a key has `wantsKey`.
 */
export async function request(path, { body, signal }) {
  const text = body && JSON.stringify(body);
  if (text && text.length > mostBytes) {
    throw new Error(
      `The pictures of this conversation have ${Math.ceil(text.length / 2 ** 20)} MiB as they are sent, the server takes ${mostBytes / 2 ** 20}.`,
    );
  }
  for (;;) {
    const response = await send(path, { text, signal });
    if (response.ok) return response;
    if (response.status === 429) {
      await pause(Number(response.headers.get('retry-after') ?? 1) * 1000, signal);
      continue;
    }
    const said = await response.json().catch(() => undefined);
    const message = said?.error?.message ?? `The server answered with status ${response.status}.`;
    throw Object.assign(new Error(message), { wantsKey: response.status === 401 });
  }
}

async function send(path, { text, signal }) {
  const key = sessionStorage.getItem(keyName);
  const headers = {
    ...(text && { 'content-type': 'application/json' }),
    ...(key && { authorization: `Bearer ${key}` }),
  };
  try {
    return await fetch(path, { method: text ? 'POST' : 'GET', body: text, headers, signal });
  } catch (thrown) {
    signal?.throwIfAborted();
    throw new Error('The server does not answer. Is it still running?', { cause: thrown });
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** The JSON of each server-sent event. @throws Error with the server's words for one that is an error, or when it breaks off */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read().catch((cause) => {
      if (cause.name === 'TypeError') return { done: true }; // a connection that broke
      throw cause;
    });
    if (done) throw new Error('The server broke the answer off.');
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith('data:')) continue;
      const data = line.slice(5).trim();
      if (data === '[DONE]') return;
      const event = JSON.parse(data);
      if (event.error) throw new Error(event.error.message);
      yield event;
    }
  }
}
