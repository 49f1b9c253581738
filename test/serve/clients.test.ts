import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { drawing, seen, sharedServer } from '../helpers/server.ts';

const folder = fileURLToPath(new URL('fixtures', import.meta.url));

interface Fixture {
  client: string;
  requests: { method: string; path: string; headers: Record<string, string>; body?: unknown }[];
}

const { server } = await sharedServer();

/** As the client has sent it, down to how its body is framed. */
function replay(
  { method, path, headers }: Fixture['requests'][number],
  body: string,
): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const { 'accept-encoding': _, ...others } = headers; // the answer is to be read here
    const asking = request(server.url + path, { method, headers: others }, (response) => {
      let text = '';
      response.on('data', (part) => (text += String(part)));
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    asking.on('error', reject);
    asking.end(body);
  });
}

/** The texts of whatever shape an answer has, whole or in pieces. */
function textsOf(answer: string): string {
  const objects = answer.startsWith('{')
    ? [answer]
    : [...answer.matchAll(/^data: (\{.*)$/gm)].map(([, object]) => object!);
  return objects.map((object) => textIn(JSON.parse(object) as Record<string, unknown>)).join('');
}

function textIn({ choices, output, type, delta, content }: Record<string, unknown>): string {
  if (type === 'message') return (content as { text: string }[]).map(({ text }) => text).join('');
  if (type === 'content_block_delta') return (delta as { text: string }).text;
  if (type === 'response.output_text.delta') return String(delta);
  const [choice] = (choices ?? []) as { delta?: { content?: string }; message?: { content: string } }[];
  const [item] = (output ?? []) as { content: { text: string }[] }[];
  return choice?.message?.content ?? choice?.delta?.content ?? item?.content[0]?.text ?? '';
}

for (const name of readdirSync(folder)) {
  const { client, requests } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Fixture;
  for (const [index, one] of requests.entries()) {
    test(`${client}, request ${index + 1}: ${one.method} ${one.path} is answered`, async () => {
      const picture = (await drawing('0022a.png')).replace(/^.*,/, '');
      const body = one.body === undefined ? '' : JSON.stringify(one.body).replaceAll('{{0022a.png}}', picture);
      const { status, text } = await replay(one, body);
      assert.equal(status, 200, text);
      if (!body.includes('what do you see?') || body.includes('json_schema') || /count_tokens/.test(one.path)) return;
      assert.equal(textsOf(text), seen['0022a.png']);
    });
  }
}
