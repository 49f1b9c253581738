import assert from 'node:assert/strict';
import { readFile, readdir, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { constants } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { type Running, drawing, serverCache, startServer } from '../helpers/server.ts';
import { makePdf } from '../helpers/make-pdf.ts';
import { cli } from '../helpers/cli.ts';
import { scenePath } from '../helpers/checkpoints.ts';

let cache: string;
let open: Running;
let locked: Running;
before(async () => {
  cache = await serverCache();
  open = await startServer(cache);
  locked = await startServer(cache, '--api-key', 'secret', '--cors', 'https://chat.example');
});
after(async () => {
  await Promise.all([open, locked].map((server) => server.stop(constants.signals.SIGINT)));
  await rm(cache, { recursive: true, force: true });
});

const folder = fileURLToPath(new URL('../../page', import.meta.url));
const statusOf = (url: string, headers: Record<string, string>): Promise<number> =>
  new Promise((resolve, reject) => {
    request(url, { headers }, (response) => resolve(response.resume().statusCode!))
      .on('error', reject)
      .end();
  });
const post = async (path: string, body: unknown) => {
  const response = await fetch(open.url + path, { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as any };
};

test('every file of the page is served, and names no other place than files of the page', async () => {
  const names = await readdir(folder);
  for (const name of names) {
    const path = name === 'index.html' ? '/' : `/page/${name}`;
    const response = await fetch(locked.url + path); // before a key is given
    assert.equal(response.status, 200, path);
    const text = await response.text();
    assert.equal(text, await readFile(join(folder, name), 'utf8'));
    const named = [...text.matchAll(/(?:src|href)="([^"#]+)"|from '([^']+)'|url\(([^)]*)\)/g)];
    for (const [, attribute, module, url] of named) {
      assert.equal(url, undefined);
      const file = attribute?.replace(/^\/page\//, '') ?? module!.replace(/^\.\//, '');
      assert.ok(names.includes(file), `${name} names ${attribute ?? module}`);
    }
    const policy = response.headers.get('content-security-policy')!;
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
    assert.match(policy, /frame-ancestors 'none'; require-trusted-types-for 'script'$/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
  }
  assert.equal((await fetch(`${open.url}/page/../package.json`)).status, 404);
  assert.equal((await fetch(`${open.url}/page/%2e%2e%2fpackage.json`)).status, 404);
});

test('the page has the guards of everything else: names, origins, and a key for what it asks', async () => {
  for (const path of ['/', '/page/main.js']) {
    assert.equal(await statusOf(open.url + path, { host: 'evil.example' }), 403);
    assert.equal(await statusOf(open.url + path, { origin: 'https://evil.example' }), 403);
    assert.equal(await statusOf(open.url + path, { origin: open.url }), 200);
  }
  const body = JSON.stringify({ images: [await drawing('0022a.png')] });
  const see = (headers: Record<string, string>): Promise<Response> =>
    fetch(`${locked.url}/v1/pixtral/see`, { method: 'POST', body, headers });
  assert.equal((await see({})).status, 401);
  assert.equal((await see({ origin: 'https://evil.example', authorization: 'Bearer secret' })).status, 403);
  assert.equal((await see({ authorization: 'Bearer secret' })).status, 200);
  const preflight = await fetch(`${locked.url}/v1/pixtral/see`, {
    method: 'OPTIONS',
    headers: { origin: 'https://chat.example', 'access-control-request-method': 'POST' },
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get('access-control-allow-origin'), 'https://chat.example');
});

test('see gives the pixels that view writes, with their tokens', async () => {
  const path = scenePath('demo/0022a.png');
  const { body } = await post('/v1/pixtral/see', { images: [await drawing('0022a.png')] });
  const viewed = await cli(['view', path, '--model', 'demo', '-o', join(cache, 'seen.png')], {
    env: { PIXTRAL_CACHE: cache },
  });
  assert.equal(viewed.exitCode, 0, viewed.stderr);
  const pixels = (png: Buffer): Promise<Buffer> => sharp(png).removeAlpha().raw().toBuffer();
  const [{ png, grid, seen, tokens }] = body.images;
  assert.deepEqual(await pixels(Buffer.from(png, 'base64')), await pixels(await readFile(join(cache, 'seen.png'))));
  assert.deepEqual(
    seen,
    grid.map((squares: number) => squares * body.token_side),
  );
  assert.equal(tokens, (grid[0] + 1) * grid[1]);
});

test('see shows the pages that are asked for, smaller with detail low, and refuses what is no picture', async () => {
  const page = { size: [600, 800] as const, content: '' };
  const pdf = `data:application/pdf;base64,${makePdf([page, page, page]).toString('base64')}`;
  const pages = async (url: string, detail?: string) =>
    (await post('/v1/pixtral/see', { images: [url], detail })).body.images as { page: number; seen: number[] }[];
  assert.deepEqual(
    (await pages(`${pdf}#2-3`)).map((one) => one.page),
    [2, 3],
  );
  const [full, low] = [await pages(`${pdf}#1`), await pages(`${pdf}#1`, 'low')];
  assert.ok(Math.max(...low[0]!.seen) <= Math.max(...full[0]!.seen));
  for (const [images, says] of [
    [['data:image/png;base64,aGFsbG8='], /expected|no picture/],
    [['file:///etc/passwd'], /is no data: URI and no http\(s\) URL/],
    [[], /body: images/],
    ['data:', /body: images/],
  ] as const) {
    const { status, body } = await post('/v1/pixtral/see', { images });
    assert.equal(status, 400);
    assert.match(body.error.message, says);
  }
});

test('decisions look at pictures in the detail that they ask for, all or none', async () => {
  const url = await drawing('0022a.png');
  const ask = (...details: (string | undefined)[]) =>
    post('/v1/decisions', {
      questions: ['is there a green star?'],
      input: [{ role: 'user', content: details.map((detail) => ({ type: 'input_image', image_url: url, detail })) }],
    });
  assert.equal((await ask('low', 'low')).status, 200);
  const { status, body } = await ask('low', undefined);
  assert.equal(status, 400);
  assert.match(body.error.message, /1 of 2 images ask for detail low/);
});

test('response_format takes the short form of a schema', async () => {
  const content = [
    { type: 'image_url', image_url: { url: await drawing('0022a.png') } },
    { type: 'text', text: 'how many shapes are there? Answer in JSON.' },
  ];
  const ask = (schema: string) =>
    post('/v1/chat/completions', {
      messages: [{ role: 'user', content }],
      response_format: { type: 'json_schema', json_schema: { name: 'a', schema } },
    });
  const { body } = await ask('answer: integer');
  assert.deepEqual(JSON.parse(body.choices[0].message.content), { answer: 4 });
  const wrong = await ask('answer: nubmer');
  assert.equal(wrong.status, 400);
  assert.match(wrong.body.error.message, /^body: response_format\.json_schema\.schema: character 15 .*no type nubmer/);
});
