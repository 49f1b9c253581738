import assert from 'node:assert/strict';
import { type RequestListener, createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { PixtralError } from '../../../src/base/errors.ts';
import { isPublicAddress } from '../../../src/image/sources/addresses.ts';
import { type FetchOptions, fetchPicture } from '../../../src/image/sources/network.ts';
import { urlName } from '../../../src/image/sources/url-name.ts';

const options: FetchOptions = { isAllowed: () => true, milliseconds: 20_000, maxBytes: 2 ** 20 };

async function serve(t: TestContext, listener: RequestListener): Promise<{ base: string; port: number }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { base: `http://127.0.0.1:${port}`, port };
}

test('a picture is fetched through redirects, relative ones too', async (t) => {
  const { base } = await serve(t, ({ url }, response) => {
    if (url === '/picture') response.end('pixels');
    else response.writeHead(302, { location: url === '/a' ? '/b' : `${base}/picture` }).end();
  });
  assert.equal(Buffer.from(await fetchPicture(`${base}/a`, options)).toString(), 'pixels');
});

test('what the server refuses is said', async (t) => {
  const { base } = await serve(t, (_, response) => response.writeHead(404).end('nothing here'));
  await assert.rejects(fetchPicture(`${base}/none`, options), {
    code: 'input',
    message: `${base}/none: the server answered 404 Not Found`,
  });
});

test('this machine is refused unless private addresses are allowed, in every way to write it', async (t) => {
  let requests = 0;
  const { port } = await serve(t, (_, response) => {
    requests++;
    response.end('secret');
  });
  for (const host of ['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0']) {
    await assert.rejects(
      fetchPicture(`http://${host}:${port}/`, { ...options, isAllowed: isPublicAddress }),
      { code: 'input', message: /leads to .*an address of no public server/, hint: /--allow-private/ },
      host,
    );
  }
  assert.equal(requests, 0);
});

test('a name that resolves to a private address is refused, also when only one of its addresses is', async (t) => {
  let requests = 0;
  const { port } = await serve(t, () => requests++);
  const lookup = async () => [
    { address: '8.8.8.8', family: 4 },
    { address: '127.0.0.1', family: 4 },
  ];
  await assert.rejects(
    fetchPicture(`http://pictures.example:${port}/`, { ...options, isAllowed: isPublicAddress, lookup }),
    { code: 'input', message: /leads to pictures\.example, which is 127\.0\.0\.1, an address of no public server/ },
  );
  assert.equal(requests, 0);
});

test('the connection goes to the address that was checked: a name is resolved once a hop', async (t) => {
  const { port } = await serve(t, (_, response) => response.end('pixels'));
  const answers = ['127.0.0.1', '10.255.255.1'];
  let asked = 0;
  const lookup = async () => [{ address: answers[asked++]!, family: 4 }];
  const bytes = await fetchPicture(`http://rebinding.example:${port}/`, { ...options, lookup });
  assert.equal(Buffer.from(bytes).toString(), 'pixels');
  assert.equal(asked, 1);
});

test('a redirect to a private address is refused after DNS too', async (t) => {
  const reached: string[] = [];
  const { port } = await serve(t, ({ url = '' }, response) => {
    reached.push(url);
    response.writeHead(302, { location: `http://inside.example:${port}/secret` }).end();
  });
  const lookup = async (name: string) => [{ address: name === 'inside.example' ? '10.0.0.1' : '127.0.0.1', family: 4 }];
  const attempt = fetchPicture(`http://outside.example:${port}/`, {
    ...options,
    isAllowed: (address) => address === '127.0.0.1' || isPublicAddress(address),
    lookup,
  });
  await assert.rejects(attempt, { code: 'input', message: /leads to inside\.example, which is 10\.0\.0\.1/ });
  assert.deepEqual(reached, ['/']);
});

for (const location of ['file:///etc/passwd', 'data:image/png;base64,AAAA', 'ftp://example.org/x', 'http://']) {
  test(`a redirect to ${location} is refused`, async (t) => {
    const { base } = await serve(t, (_, response) => response.writeHead(301, { location }).end());
    await assert.rejects(fetchPicture(base, options), {
      code: 'input',
      message: /redirects to .*, expected http: or https:/,
    });
  });
}

test('a chain of redirects without an end is cut', async (t) => {
  let requests = 0;
  const { base } = await serve(t, (_, response) => response.writeHead(307, { location: `/${++requests}` }).end());
  await assert.rejects(fetchPicture(base, options), { code: 'input', message: /redirects more than 5 times/ });
  assert.equal(requests, 6);
});

test('an endless body is cut at the limit, a claimed length before the first byte', async (t) => {
  let written = 0;
  const { base } = await serve(t, ({ url }, response) => {
    if (url === '/claim') {
      response.writeHead(200, { 'content-length': 10 ** 12 }).write('x');
      return;
    }
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536))) written += 65_536;
    };
    response.on('drain', more);
    more();
  });
  for (const path of ['/endless', '/claim']) {
    await assert.rejects(fetchPicture(base + path, options), { code: 'input', message: /is over 1 MiB/ });
  }
  assert.ok(written < 64 * 2 ** 20, `${written} bytes`);
});

test('a server that stops in the middle is given up at the time limit', async (t) => {
  const { base } = await serve(t, ({ url }, response) => {
    if (url === '/body') response.write('the beginning');
  });
  for (const path of ['/body', '/silent']) {
    await assert.rejects(fetchPicture(base + path, { ...options, milliseconds: 100 }), {
      code: 'machine',
      message: /cannot be fetched: not there within 0\.1 seconds/,
    });
  }
});

test('a body that is cut is no picture', async (t) => {
  const { base } = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('half', () => response.destroy());
  });
  await assert.rejects(fetchPicture(base, options), { code: 'machine', message: /cannot be fetched/ });
});

test('a server that is not there is a problem of the machine, an interruption is none', async () => {
  await assert.rejects(fetchPicture('http://127.0.0.1:9/x.png', options), {
    code: 'machine',
    message: /cannot be fetched: .*ECONNREFUSED/,
  });
  const signal = AbortSignal.abort(2);
  await assert.rejects(fetchPicture('http://127.0.0.1:9/', { ...options, signal }), (thrown) => thrown === 2);
});

test('a password in a URL is not shown', () => {
  assert.equal(urlName('https://me:secret@example.org/a@b.png'), 'https://***@example.org/a@b.png');
  assert.equal(urlName('https://example.org/a@b.png'), 'https://example.org/a@b.png');
});

/** A server that says just this, whatever it is asked, and then closes. */
async function say(t: TestContext, answer: string): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(answer, 'latin1'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const head = (status: string, ...headers: string[]): string => ['HTTP/1.1 ' + status, ...headers, '', ''].join('\r\n');

for (const [what, answer, expected] of [
  ['101', head('101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'), /answered 101 Switching/],
  ['101 without a protocol', head('101 Switching Protocols'), /answered 101|closed before|socket hang up/],
  ['only 102', head('102 Processing').repeat(3), /closed before|socket hang up/],
  ['102 for ever', head('102 Processing').repeat(500), /never comes to its answer/],
  ['204', head('204 No Content'), /answered 204 No Content/],
  ['206', head('206 Partial Content', 'Content-Length: 2') + 'ab', /answered 206 Partial Content/],
  ['304', head('304 Not Modified', 'Location: /'), /answered 304 Not Modified/],
  ['305', head('305 Use Proxy', 'Location: /other'), /answered 305 Use Proxy/],
  ['999', head('999 What', 'Content-Length: 0'), /answered 999 What/],
  ['a redirect to nowhere', head('302 Found', 'Content-Length: 0'), /answered 302 Found/],
  ['HTTP/0.9', 'pixels', /Parse Error/],
  ['nothing', '', /closed before|socket hang up/],
  ['half a head', 'HTTP/1.1 200 O', /Parse Error|closed before|socket hang up/],
  ['half a body', head('200 OK', 'Content-Length: 100') + 'pixels', /aborted/],
] as const) {
  test(`a server that answers ${what} is an error of that picture, at once`, async (t) => {
    const url = await say(t, answer);
    const thrown = await fetchPicture(url, options).then(
      () => assert.fail('it was taken for a picture'),
      (error: unknown) => error,
    );
    assert.ok(thrown instanceof PixtralError, String(thrown));
    assert.match(thrown.message, expected);
    assert.ok(thrown.message.startsWith(url), thrown.message);
  });
}
