import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PixtralError } from '../../src/base/errors.ts';
import { openAgent } from '../../src/hub/agent.ts';

const open = (env: Record<string, string>) =>
  openAgent({ env, connections: 1, connectMilliseconds: 1000, stallMilliseconds: 1000 });

test('the address of a proxy may leave its scheme out, as for curl', async () => {
  for (const env of [
    { http_proxy: 'proxy:3128' },
    { HTTPS_PROXY: 'http://me:s3cret@proxy:3128' },
    { http_proxy: '' },
  ]) {
    await (await open(env)).destroy();
  }
});

test('what is no address of a proxy is an error of usage that shows no password', async () => {
  for (const [name, word] of [
    ['http_proxy', 'htp://me:s3cret@proxy:3128'],
    ['HTTPS_PROXY', 'me:s3cret@proxy:x'],
    ['https_proxy', 'socks5://me:s3/cret@proxy'],
  ] as const) {
    await assert.rejects(open({ [name]: word }), (thrown: Error) => {
      assert.ok(thrown instanceof PixtralError && thrown.code === 'usage');
      assert.match(thrown.message, /^https?_proxy: is .*expected an address such as http:\/\/proxy:3128$/);
      assert.doesNotMatch(thrown.message, /s3/);
      return true;
    });
  }
});
