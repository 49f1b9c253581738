import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { scenePath } from '../helpers/checkpoints.ts';

let root: string;
let client: Client;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'pixtral-mcp-'));
  await copyFile(scenePath('demo/0022a.png'), join(root, 'stars.png'));
  await writeFile(join(root, 'broken.png'), 'no picture');
  await symlink(scenePath('demo/0007a.png'), join(root, 'elsewhere.png'));
  client = new Client({ name: 'test', version: '1' });
  const program = fileURLToPath(new URL('../../src/cli/run.ts', import.meta.url));
  const server = ['mcp', '--model', 'demo', '--gpu', 'off', '--threads', '1', '--temperature', '0', '--root', root];
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: ['--import', 'tsx', program, ...server],
      env: { ...(process.env as Record<string, string>), PIXTRAL_CACHE: join(root, '.cache') },
      stderr: 'ignore',
    }),
  );
});
after(async () => {
  await client.close();
  await rm(root, { recursive: true, force: true });
});

interface Told {
  isError?: boolean;
  content: { type: string; text?: string; data?: string; mimeType?: string }[];
}
const call = async (name: string, input: Record<string, unknown>): Promise<Told> =>
  (await client.callTool({ name, arguments: input })) as Told;

test("an agent's own client finds the four tools", async () => {
  const { tools } = await client.listTools();
  assert.deepEqual(tools.map(({ name }) => name).sort(), ['decide', 'look', 'read', 'see']);
  for (const { annotations } of tools) assert.equal(annotations?.readOnlyHint, true);
});

test('look answers in words, read in JSON of the schema, decide in probabilities', async () => {
  const looked = await call('look', { pictures: ['stars.png'], question: 'what do you see?' });
  assert.match(looked.content[0]!.text!, /^A small green star at the top left, .*black star at the bottom right\.$/);
  const schema = { type: 'object', properties: { answer: { type: 'integer' } }, required: ['answer'] };
  const read = await call('read', {
    picture: 'stars.png',
    schema,
    question: 'how many shapes are there? Answer in JSON.',
  });
  assert.deepEqual(JSON.parse(read.content[0]!.text!), { answer: 4 });
  const decided = await call('decide', { picture: join(root, 'stars.png'), questions: ['is there a green star?'] });
  const { answers } = JSON.parse(decided.content[0]!.text!) as { answers: { probability: number }[] };
  assert.ok(answers[0]!.probability > 0.9);
});

test('see gives the very picture that the model sees', async () => {
  const { content } = await call('see', { picture: 'stars.png' });
  assert.equal(content[0]!.mimeType, 'image/png');
  const png = Buffer.from(content[0]!.data!, 'base64');
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [192, 80]);
  assert.match(content[1]!.text!, /"grid":\[12,5\]/);
});

for (const [picture, says] of [
  ['../x.png', /no such file|is outside of/],
  ['/etc/hostname', /is outside of/],
  ['elsewhere.png', /is outside of/],
  ['none.png', /no such file/],
  ['broken.png', /expected a picture/],
] as const) {
  test(`${picture} is the tool's error, in words`, async () => {
    const told = await call('see', { picture });
    assert.equal(told.isError, true);
    assert.match(told.content[0]!.text!, says);
  });
}
