import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { scenePath } from '../helpers/checkpoints.ts';
import { drawing, sharedServer } from '../helpers/server.ts';

const { server: shared } = await sharedServer();

const model = 'demo';
const post = (body: unknown): Promise<Response> =>
  fetch(`${shared.url}/v1/systemone`, { method: 'POST', body: JSON.stringify(body) });
const errorOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { error: { message: string } }).error.message;

const systemOneQuestions = {
  count: { type: 'choice', instructions: 'how many shapes are there?', criteria: { 3: null, 4: null } },
  star: { type: 'noul', instructions: 'is there a green star?' },
};
interface SystemOneReply {
  object: string;
  answers: { count: { choice: string }; star: { noul: number } };
  diagnostics: { count: { label_mass: number } };
}
const checkSystemOne = async (response: Response): Promise<void> => {
  assert.equal(response.status, 200);
  const { object, answers, diagnostics } = (await response.json()) as SystemOneReply;
  assert.deepEqual([object, answers.count.choice], ['structured_decision', '4']);
  assert.ok(answers.star.noul > 0.9 && diagnostics.count.label_mass > 0.9);
};

test("System One requests are answered: vLLM's images, and TypeSafe's pictures as parts of a form", async () => {
  await checkSystemOne(await post({ state: '', images: [await drawing('0022a.png')], questions: systemOneQuestions }));
  const form = new FormData();
  const assets = { pic: { type: 'image', part: 'asset-0' } };
  form.set('request', new Blob([JSON.stringify({ model, state: 'pic', assets, questions: systemOneQuestions })]));
  form.set('asset-0', new Blob([await readFile(scenePath('demo/0022a.png'))]));
  const response = await fetch(`${shared.url}/v1/systemone`, { method: 'POST', body: form });
  const { answers } = (await response.json()) as SystemOneReply;
  assert.deepEqual([response.status, answers.count.choice], [200, '4']);
});

test('System One requests that are wrong are refused by name', async () => {
  const wrong = async (body: FormData | string): Promise<string> => {
    const response = await fetch(`${shared.url}/v1/systemone`, { method: 'POST', body });
    assert.equal(response.status, 400);
    return errorOf(response);
  };
  const form = new FormData();
  assert.match(await wrong(form), /body: is no JSON/);
  const assets = { pic: { part: 'asset-0' } };
  form.set('request', JSON.stringify({ state: 'pic', assets, questions: systemOneQuestions }));
  assert.match(await wrong(form), /assets\.pic: the form has no picture in "asset-0"/);
  assert.match(
    await wrong('{"state":"x","images":["/etc/hostname"],"questions":{"a":{"type":"noul","instructions":"x"}}}'),
    /no data: URI/,
  );
  assert.match(await wrong(`{"state":${'['.repeat(1000)}${']'.repeat(1000)}}`), /nested more than 500 levels deep/);
});
