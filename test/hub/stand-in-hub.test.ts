import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { downloadFile, fileDownloadInfo, listFiles, modelInfo } from '@huggingface/hub';
import { checkpointFolder } from '../helpers/checkpoints.ts';
import { type StandInHub, commitOf, filesOf, startHub } from '../helpers/stand-in-hub.ts';

/** The stand-in is judged by the Hub's own client: what that cannot do with it, ours must not be tested against. */
const files = filesOf(checkpointFolder('mistral'));
const repo = { type: 'model', name: 'tiny/Mistral-Tiny' } as const;
let hub: StandInHub;

before(async () => {
  hub = await startHub({ [repo.name]: { files, token: 'hf_right' } });
});
after(() => hub.close());

const access = () => ({ repo, hubUrl: hub.endpoint, accessToken: 'hf_right' });

test("the Hub's own client lists, describes and downloads from the stand-in", async () => {
  const listed: { path: string; size: number }[] = [];
  for await (const entry of listFiles({ ...access(), recursive: true })) listed.push(entry);
  assert.deepEqual(
    listed.map(({ path, size }) => [path, size]),
    Object.entries(files).map(([path, bytes]) => [path, bytes.byteLength]),
  );
  const { sha } = await modelInfo({ name: repo.name, hubUrl: hub.endpoint, additionalFields: ['sha'] });
  assert.equal(sha, commitOf(files));
  for (const [path, bytes] of Object.entries(files)) {
    const info = await fileDownloadInfo({ ...access(), path });
    assert.equal(info?.size, bytes.byteLength, path);
    const blob = await downloadFile({ ...access(), path, xet: false });
    assert.deepEqual(Buffer.from(await blob!.arrayBuffer()), Buffer.from(bytes), path);
    const slice = await blob!.slice(100, 200).arrayBuffer();
    assert.deepEqual(Buffer.from(slice), Buffer.from(bytes.subarray(100, 200)), path);
  }
});

test('and is refused by it as by the Hub', async () => {
  const path = 'consolidated.safetensors';
  for (const [accessToken, status] of [
    [undefined, 401],
    ['hf_wrong', 403],
  ] as const) {
    const asking = downloadFile({ repo, hubUrl: hub.endpoint, path, ...(accessToken && { accessToken }) });
    await assert.rejects(asking, { statusCode: status });
  }
});
