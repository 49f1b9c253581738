import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { PixtralError } from '../../src/base/errors.ts';
import { rateLimit } from '../../src/hub/rate-limit.ts';
import { hubToken } from '../../src/hub/token.ts';
import { parseHubName } from '../../src/hub/hub-name.ts';
import { checkpointFolder } from '../helpers/checkpoints.ts';
import { pullFine } from '../helpers/pulls.ts';
import { type StandInHub, filesOf, startHub } from '../helpers/stand-in-hub.ts';

let hub: StandInHub;
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pixtral-http-'));
  hub = await startHub({ 'tiny/Mistral-Tiny': { files: filesOf(checkpointFolder('mistral')) } });
});
afterEach(async () => {
  await hub.close();
  await rm(root, { recursive: true, force: true });
});

test('a proxy is used where the environment names one, and not where it excepts the host', async () => {
  const tunnels: string[] = [];
  const proxy = createServer().on('connect', (request, client) => {
    tunnels.push(request.url!);
    const [host, port] = request.url!.split(':');
    const server = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      server.pipe(client).pipe(server);
    });
    for (const end of [client, server]) end.on('error', () => undefined);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const pull = (env: Record<string, string>) =>
    pullFine('tiny/Mistral-Tiny', { endpoint: hub.endpoint, root, type: 'q8_0', force: true, env });
  try {
    await pull({ HTTP_PROXY: address });
    assert.ok(tunnels.includes(new URL(hub.endpoint).host), tunnels.join());
    tunnels.length = 0;
    await pull({ HTTP_PROXY: address, NO_PROXY: '127.0.0.1' });
    assert.deepEqual(tunnels, []);
  } finally {
    proxy.closeAllConnections();
    await new Promise((done) => proxy.close(done));
  }
});

test('a proxy that lets nobody through is told at once, and no password with it', async () => {
  for (const [status, hint] of [
    [407, /who asks/],
    [403, /NO_PROXY/],
  ] as const) {
    let asked = 0;
    const proxy = createServer().on('connect', (_, client) => {
      asked++;
      client.end(`HTTP/1.1 ${status} no\r\n\r\n`);
    });
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    const address = `http://me:s3cret@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const pulling = { endpoint: hub.endpoint, root, type: 'q8_0', env: { HTTP_PROXY: address } } as const;
    await assert.rejects(pullFine('tiny/Mistral-Tiny', pulling), (thrown: PixtralError) => {
      assert.equal(thrown.code, 'machine');
      assert.equal(thrown.message, `cannot connect: the proxy answered ${status}`);
      assert.match(thrown.hint ?? '', hint);
      return true;
    });
    assert.equal(asked, 1);
    await new Promise((done) => proxy.close(done));
  }
});

test('what is packed on the way is refused by name', async () => {
  for (const path of [/hub\/api/, /cdn/]) {
    hub.faults.push({ path, times: 1, kind: { status: 206, headers: { 'content-encoding': 'gzip' } } });
    await assert.rejects(pullFine('tiny/Mistral-Tiny', { endpoint: hub.endpoint, root, type: 'q8_0' }), {
      code: 'machine',
      message: /answers in Content-Encoding gzip, expected the bytes as they are/,
    });
  }
});

test('Retry-After is kept to', async () => {
  hub.faults.push({ path: /hub\/api/, times: 1, kind: { status: 429, headers: { 'retry-after': '1' } } });
  const start = performance.now();
  await pullFine('tiny/Mistral-Tiny', { endpoint: hub.endpoint, root, type: 'q8_0' });
  assert.ok(performance.now() - start >= 990);
});

test('a rate is not exceeded', async () => {
  const limit = rateLimit(1_000_000);
  const start = performance.now();
  await Promise.all(Array.from({ length: 10 }, async () => limit.take(20_000)));
  assert.ok(performance.now() - start >= 190);
});

describe('names and tokens', () => {
  test('what names a repository', () => {
    const parse = (text: string) => parseHubName(text, 'https://mirror.example');
    const main = { repo: 'mistralai/Pixtral-12B-2409', revision: 'main' };
    for (const text of [
      'pixtral-12b',
      'Pixtral-12B',
      'mistralai/Pixtral-12B-2409',
      'https://huggingface.co/mistralai/Pixtral-12B-2409',
      'https://hf.co/mistralai/Pixtral-12B-2409/',
      'https://mirror.example/mistralai/Pixtral-12B-2409/tree/main',
    ]) {
      assert.deepEqual(parse(text), main, text);
    }
    for (const [text, revision] of [
      ['hf://a/b@v1.0', 'v1.0'],
      ['hf.co/a/b', 'main'],
      ['huggingface.co/a/b/blob/v2/model.safetensors', 'v2'],
      ['https://www.huggingface.co/a/b?library=transformers', 'main'],
      ['https://huggingface.co/a/b/tree/refs%2Fpr%2F1', 'refs/pr/1'],
      ['https://huggingface.co/a/b/tree/refs/pr/1/sub', 'refs/pr/1'],
      ['https://huggingface.co/a/b/resolve/one%2Ftwo/params.json?download=true', 'one/two'],
      ['a/b@refs/pr/1', 'refs/pr/1'],
    ] as const) {
      assert.deepEqual(parse(text), { repo: 'a/b', revision }, text);
    }
    assert.deepEqual(parseHubName('https://m.example/hf/a/b/tree/x', 'https://m.example/hf'), {
      repo: 'a/b',
      revision: 'x',
    });
    assert.deepEqual(parse('a/b@v1.0'), { repo: 'a/b', revision: 'v1.0' });
    assert.deepEqual(parse('pixtral-12b@abc'), { ...main, revision: 'abc' });
    for (const text of [
      'a',
      'a/b/c',
      '/a/b',
      'a/..',
      'a/b@',
      'https://example.org/a/b',
      'https://huggingface.co/datasets/a/b',
      'https://huggingface.co/a/b/discussions/1',
      'https://huggingface.co/a/b/tree/%E0%A4',
      'https://huggingface.co/a',
      'hf://datasets/a/b',
    ]) {
      assert.equal(parse(text), undefined, text);
    }
  });

  test('the token comes from the first place that has one', async () => {
    const { mkdir, writeFile } = await import('node:fs/promises');
    await mkdir(join(root, 'hf'));
    const at = (name: string) => join(root, name);
    await writeFile(at('hf/token'), 'hf_home\n');
    await writeFile(at('path'), 'hf_path\n');
    await writeFile(at('flag'), 'hf_flag\n');
    const home = { HF_HOME: at('hf') };
    assert.equal(await hubToken(undefined, home), 'hf_home');
    assert.equal(await hubToken(undefined, { ...home, HF_TOKEN_PATH: at('path') }), 'hf_path');
    assert.equal(await hubToken(undefined, { ...home, HF_TOKEN_PATH: at('path'), HF_TOKEN: ' hf_env ' }), 'hf_env');
    assert.equal(await hubToken(at('flag'), { ...home, HF_TOKEN: 'hf_env' }), 'hf_flag');
    assert.equal(await hubToken(undefined, { HF_HOME: at('none') }), undefined);
    await assert.rejects(hubToken(at('none'), home), { code: 'usage', message: /cannot read the token/ });
    await assert.rejects(hubToken(undefined, { HF_TOKEN: 'a\nb' }), {
      code: 'usage',
      message: /HF_TOKEN: holds no token/,
    });
  });
});
