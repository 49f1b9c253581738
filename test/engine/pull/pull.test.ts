import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, before, beforeEach, describe, test } from 'node:test';
import { type ConvertType, defaultMmprojType } from '../../../src/convert/types.ts';
import { convertCheckpoint } from '../../../src/engine/convert.ts';
import { checkpointFolder } from '../../helpers/checkpoints.ts';
import { plainOptions } from '../../helpers/converted.ts';
import { type PullTest, fineGrain, pullFine, readPair } from '../../helpers/pulls.ts';
import { type StandInHub, commitOf, filesOf, startHub } from '../../helpers/stand-in-hub.ts';

const mistral = filesOf(checkpointFolder('mistral'));
const huggingFace = filesOf(checkpointFolder('huggingface'));
const weights = mistral['consolidated.safetensors']!.byteLength;
/** The file that is fetched over many requests. */
const weightsAtCdn = /cdn\/.*consolidated/;

let hub: StandInHub;
let root: string;
const pull = (what: string, options: Partial<PullTest> = {}) =>
  pullFine(what, { endpoint: hub.endpoint, root, type: 'q8_0', ...options });

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pixtral-pull-'));
  hub = await startHub({
    'tiny/Mistral-Tiny': { files: mistral },
    'tiny/HF-Tiny': { files: huggingFace },
    'tiny/Both-Tiny': { files: { ...huggingFace, ...mistral } },
    'tiny/Merger-Tiny': { files: filesOf(checkpointFolder('merger')) },
    'tiny/Ministral-3': { files: filesOf(checkpointFolder('ministral-3')) },
    'tiny/Pixtral-Large': { files: { 'params.json': Buffer.from('{}'), 'tokenizer.model.v7m1': Buffer.from('x') } },
  });
});
afterEach(async () => {
  await hub.close();
  await rm(root, { recursive: true, force: true });
});

/** What `convert` makes of a copy of that name. */
async function converted(folder: string, { name, type }: { name: string; type: ConvertType }): Promise<Buffer[]> {
  const copy = join(root, 'copies', name);
  await cp(folder, copy, { recursive: true });
  const out = join(root, 'converted', `${name}-${type}`);
  const mmprojType = defaultMmprojType(type);
  return readPair(await convertCheckpoint(copy, { ...plainOptions(type, out), mmprojType }));
}

const visible = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith('.'));
const left = async (): Promise<string[]> =>
  (await readdir(join(root, 'models', '.pull'))).filter((name) => !name.endsWith('.lock'));
const sentForWeights = (): number => hub.requests.filter(({ origin }) => origin === 'cdn').length;

test("a pull of Pixtral's relatives is convert from disk, byte for byte", async () => {
  const cases = [
    ['tiny/Merger-Tiny', checkpointFolder('merger'), ['bf16', 'q8_0']],
    ['tiny/Ministral-3', checkpointFolder('ministral-3'), ['f32', 'q8_0']],
  ] as const;
  for (const [repo, folder, types] of cases) {
    for (const type of types) {
      const done = await pull(repo, { type });
      const expected = await converted(folder, { name: repo.slice(5), type });
      assert.deepEqual(await readPair(done), expected, type);
    }
  }
  assert.deepEqual(await left(), []);
});

test('one layout of a repository that holds both is fetched, and each byte of it once', async () => {
  const done = await pull('tiny/Both-Tiny');
  assert.deepEqual(
    await readPair(done),
    await converted(checkpointFolder('mistral'), { name: 'Both-Tiny', type: 'q8_0' }),
  );
  assert.ok(hub.requests.every(({ path }) => !/model-0|tokenizer|config\.json/.test(path)));
  const all = Object.values(mistral).reduce((sum, { byteLength }) => sum + byteLength, 0);
  const header = 8 + Number(Buffer.from(mistral['consolidated.safetensors']!).readBigUInt64LE(0)); // read ahead
  assert.equal(hub.sentBytes(), all + header);
  assert.equal(done.fetchedBytes, all + header);
});

test('weights of 8 bits: their scales are read ahead, and a pull that is stopped goes on to the same bytes', async () => {
  const expected = await converted(checkpointFolder('ministral-3'), { name: 'Ministral-3', type: 'q8_0' });
  const controller = new AbortController();
  const stopping = pull('tiny/Ministral-3', {
    signal: controller.signal,
    onProgress: ({ doneBytes }) => void (doneBytes > 100_000 && controller.abort(new Error('stopped'))),
  });
  await assert.rejects(stopping, /stopped/);
  const done = await pull('tiny/Ministral-3');
  assert.ok(done.resumedBytes > 0);
  assert.deepEqual(await readPair(done), expected);
  assert.ok(hub.requests.every(({ path }) => !/model\.safetensors|config\.json/.test(path)));
});

test('a repository whose tokenizer is SentencePiece is refused by that name', async () => {
  await assert.rejects(pull('tiny/Pixtral-Large'), { code: 'model', message: /its tokenizer is SentencePiece/ });
});

test('what is fetched is said from the first file on', async () => {
  const seen: string[] = [];
  await pull('tiny/Mistral-Tiny', {
    onProgress: ({ stage, tensor, doneBytes, totalBytes }) => {
      seen.push(stage === 'fetch' ? tensor : stage);
      assert.ok(doneBytes <= totalBytes && totalBytes === weights);
    },
  });
  assert.deepEqual(seen.slice(0, 3), ['params.json', 'tekken.json', 'pull']);
});

test('the record says where a model came from, and the sums that were checked', async () => {
  const done = await pull('tiny/Mistral-Tiny');
  const record = JSON.parse(await readFile(join(done.folder, 'pixtral.json'), 'utf8'));
  assert.equal(record.source, 'tiny/Mistral-Tiny');
  assert.equal(record.revision, commitOf(mistral));
  const { sha256, bytes } = record.original.find(({ name }: { name: string }) => name.startsWith('consolidated'));
  assert.equal(bytes, weights);
  assert.match(sha256, /^[0-9a-f]{64}$/);
  const pair = await readPair(done);
  assert.deepEqual(
    record.pair,
    ['model.gguf', 'mmproj.gguf'].map((name, index) => ({
      name,
      bytes: pair[index]!.byteLength,
      sha256: createHash('sha256').update(pair[index]!).digest('hex'),
    })),
  );
});

test('what is stopped goes on where it was, also after a change of the line, to the same bytes', async () => {
  const expected = await converted(checkpointFolder('mistral'), { name: 'Mistral-Tiny', type: 'q8_0' });
  let stops = 0;
  for (; stops < 50; stops++) {
    const controller = new AbortController();
    let seen = 0;
    const run = pull('tiny/Mistral-Tiny', {
      signal: controller.signal,
      onProgress: ({ doneBytes, skippedBytes }) => {
        seen = doneBytes - skippedBytes;
        if (seen > 200_000) controller.abort(new Error('stopped by the test'));
      },
    });
    const done = await run.catch((thrown: unknown) => {
      if (!controller.signal.aborted) throw thrown;
    });
    if (!done) {
      assert.deepEqual(await visible(join(root, 'models')), []);
      continue;
    }
    assert.ok(done.resumedBytes > 0);
    assert.deepEqual(await readPair(done), expected);
    break;
  }
  assert.ok(stops >= 2 && stops < 20, String(stops));
  const atMostTwice = 2 * fineGrain.saveBytes + fineGrain.windowBytes;
  assert.ok(hub.sentBytes() < 2 * weights + stops * atMostTwice, `${hub.sentBytes()} after ${stops} stops`);
});

test('a state of another pull, or one that is damaged, is not gone on with', async () => {
  const controller = new AbortController();
  const stopping = pull('tiny/Mistral-Tiny', {
    signal: controller.signal,
    onProgress: ({ doneBytes }) => void (doneBytes > 600_000 && controller.abort(new Error('stopped'))),
  });
  await assert.rejects(stopping, /stopped/);
  const other = { ...mistral, 'consolidated.safetensors': otherWeights() };
  hub.change('tiny/Mistral-Tiny', other);
  const done = await pull('tiny/Mistral-Tiny');
  assert.equal(done.resumedBytes, 0);
  const record = JSON.parse(await readFile(join(done.folder, 'pixtral.json'), 'utf8'));
  assert.equal(record.revision, commitOf(other));
});

describe('what was damaged on the disk meanwhile is noticed, and fetched again', () => {
  const models = (): string => join(root, 'models');
  const partsIn = async (): Promise<string[]> => {
    const paths = await readdir(join(models(), '.pull'), { recursive: true });
    return paths.filter((path) => path.endsWith('.gguf.part')).map((path) => join(models(), '.pull', path));
  };

  async function stopped(what: string, options: Partial<PullTest> = {}): Promise<void> {
    const controller = new AbortController();
    const stopping = pull(what, {
      signal: controller.signal,
      onProgress: ({ doneBytes }) => void (doneBytes > 700_000 && controller.abort(new Error('stopped'))),
      ...options,
    });
    await assert.rejects(stopping, /stopped/);
  }

  /** Changes the byte at a share of those that are written. */
  async function damage(path: string, share: number): Promise<void> {
    const bytes = await readFile(path);
    const written = [...bytes.keys()].filter((at) => bytes[at] !== 0);
    const at = written[Math.floor(written.length * share)]!;
    bytes[at]! ^= 0x10;
    await writeFile(path, bytes);
  }

  test('a byte of a part', async () => {
    const expected = await converted(checkpointFolder('mistral'), { name: 'Mistral-Tiny', type: 'f16' });
    const resumed: number[] = [];
    for (const share of [undefined, 0.4, 0.6, 0.8]) {
      await stopped('tiny/Mistral-Tiny', { type: 'f16' });
      const model = (await partsIn()).find((path) => path.includes('model.gguf'));
      if (share !== undefined) await damage(model!, share);
      const notes: string[] = [];
      const done = await pull('tiny/Mistral-Tiny', { type: 'f16', onNote: (note) => notes.push(note) });
      assert.deepEqual(await readPair(done), expected, String(share));
      assert.equal(
        notes.some((note) => /model\.gguf\.part: \S+: is not what an earlier run wrote there/.test(note)),
        share !== undefined && done.resumedBytes < resumed[0]!,
        `${share}: ${notes.join()}`,
      );
      resumed.push(done.resumedBytes);
      await rm(done.folder, { recursive: true });
    }
    assert.ok(
      resumed.some((bytes) => bytes > 0 && bytes < resumed[0]!),
      resumed.join(),
    );
  });

  test('a part that is not there any more, samples that are others', async () => {
    const expected = await converted(checkpointFolder('mistral'), { name: 'Mistral-Tiny', type: 'q8_0' });
    const ways = [
      async () => rm((await partsIn())[0]!),
      async () => damage(join(models(), '.pull', (await left())[0]!, 'mistral-tiny-q8_0.samples'), 0.1),
    ];
    for (const harm of ways) {
      await stopped('tiny/Mistral-Tiny');
      await harm();
      const done = await pull('tiny/Mistral-Tiny');
      assert.deepEqual(await readPair(done), expected);
      await rm(done.folder, { recursive: true });
    }
  });

  test('--keep after a run without it keeps the whole original', async () => {
    await stopped('tiny/Mistral-Tiny');
    await pull('tiny/Mistral-Tiny', { keeps: true });
    const snapshot = join(root, 'hf', 'hub', 'models--tiny--Mistral-Tiny', 'snapshots', commitOf(mistral));
    for (const name of await readdir(snapshot)) {
      assert.deepEqual(await readFile(join(snapshot, name)), Buffer.from(mistral[name]!), name);
    }
  });

  test('a kept original that is not what came gets no name', async () => {
    await stopped('tiny/Mistral-Tiny', { keeps: true });
    const blobs = join(root, 'hf', 'hub', 'models--tiny--Mistral-Tiny', 'blobs');
    const blob = (await readdir(blobs)).find((name) => name.endsWith('.pixtral-part'));
    await damage(join(blobs, blob!), 0.1);
    await assert.rejects(pull('tiny/Mistral-Tiny', { keeps: true }), {
      code: 'model',
      message: /it is not what was written there/,
    });
    await pull('tiny/Mistral-Tiny', { keeps: true });
  });

  test('a run that was killed between the names and the installation is gone on with', async () => {
    const expected = await converted(checkpointFolder('mistral'), { name: 'Mistral-Tiny', type: 'q8_0' });
    await stopped('tiny/Mistral-Tiny');
    for (const part of await partsIn()) await rename(part, part.replace(/\.part$/, ''));
    const done = await pull('tiny/Mistral-Tiny');
    assert.ok(done.resumedBytes > 0);
    assert.deepEqual(await readPair(done), expected);
  });
});

/** One weight differs. */
function otherWeights(): Uint8Array {
  const bytes = Buffer.from(mistral['consolidated.safetensors']!);
  bytes.writeUInt8(bytes.readUInt8(bytes.byteLength - 4) ^ 1, bytes.byteLength - 4);
  return bytes;
}

describe('nothing wrong is ever named finished', () => {
  const nothingLeft = async (): Promise<void> => {
    assert.deepEqual(await visible(join(root, 'models')), []);
    const found = await readdir(join(root, 'models', '.pull'), { recursive: true }).catch(() => []);
    assert.deepEqual(
      found.filter((path) => /gguf|state/.test(path)),
      [],
    );
  };

  test('a wrong byte on the way', async () => {
    for (const path of [/hub\/.*resolve.*params/, /cdn\/.*tekken/, weightsAtCdn]) {
      hub.faults.push({ path, times: 1, kind: { flip: true } });
      await assert.rejects(pull('tiny/Mistral-Tiny'), { code: 'model' }, String(path));
      await nothingLeft();
    }
    hub.faults.push({ path: /resolve.*consolidated/, times: 0, kind: { flip: true } });
    assert.equal((await pull('tiny/Mistral-Tiny')).resumedBytes, 0);
  });

  test('a sum that is not the published one', async () => {
    hub.repos.get('tiny/Mistral-Tiny')!.wrongSums = ['consolidated.safetensors'];
    await assert.rejects(pull('tiny/Mistral-Tiny'), {
      code: 'model',
      message: /sha256 is [0-9a-f]{64}, expected e{64}/,
    });
    await nothingLeft();
  });

  test('ranges that are not those that were asked for', async () => {
    const lies = [
      { shift: 64 },
      { wrongRange: 'bytes 0-39999/1133736' },
      { wrongRange: 'bytes 40000-79999/99' },
      { ignoreRange: true },
    ] as const;
    for (const kind of lies) {
      hub.faults.push({ path: weightsAtCdn, times: 2, kind });
      await assert.rejects(pull('tiny/Mistral-Tiny'), (thrown: Error & { code: string }) => {
        assert.match(thrown.code, /^(model|machine)$/);
        return true;
      });
      assert.deepEqual(await visible(join(root, 'models')), []);
      hub.faults.length = 0;
    }
    assert.deepEqual(
      await readPair(await pull('tiny/Mistral-Tiny')),
      await converted(checkpointFolder('mistral'), { name: 'Mistral-Tiny', type: 'q8_0' }),
    );
  });

  test('another commit in the middle', async () => {
    hub.faults.push({ path: /hub\/.*resolve.*tekken/, times: 1, kind: { commit: 'f'.repeat(40) } });
    await assert.rejects(pull('tiny/Mistral-Tiny'), { code: 'machine', message: /answers with commit f{40}/ });
    await nothingLeft();
  });

  test('weights that are no numbers', async () => {
    const bytes = Buffer.from(mistral['consolidated.safetensors']!);
    bytes.writeUInt16LE(0x7fc0, bytes.byteLength - 4);
    hub.change('tiny/Mistral-Tiny', { ...mistral, 'consolidated.safetensors': bytes });
    await assert.rejects(pull('tiny/Mistral-Tiny'), { code: 'model', message: /NaN or infinity/ });
    await nothingLeft();
  });
});

describe('what passes is waited for', () => {
  test('twenty lines that break, a server that stalls, 429 and 5xx: the same bytes, and none of a whole piece twice', async () => {
    hub.faults.push(
      { path: weightsAtCdn, times: 20, kind: { cut: 9000 } },
      { path: weightsAtCdn, times: 1, kind: { stall: true } },
      { path: weightsAtCdn, times: 2, kind: { status: 503 } },
      { path: /hub\/api/, times: 1, kind: { status: 429, headers: { 'retry-after': '0' } } },
    );
    const notes: string[] = [];
    const done = await pull('tiny/Mistral-Tiny', { onNote: (note) => notes.push(note) });
    assert.deepEqual(
      await readPair(done),
      await converted(checkpointFolder('mistral'), { name: 'Mistral-Tiny', type: 'q8_0' }),
    );
    const all = Object.values(mistral).reduce((sum, { byteLength }) => sum + byteLength, 0);
    // What was cut goes on from its last byte that came; what the line lost, and what stalled, is sent again.
    assert.ok(hub.sentBytes() < all + 20 * 9000 + 4 * 40_000, String(hub.sentBytes() - all));
    assert.ok(notes.some((note) => /429/.test(note)) && notes.some((note) => /503/.test(note)), notes.join('\n'));
  });

  test('an address of the CDN that has expired is asked for again', async () => {
    hub.faults.push({ path: weightsAtCdn, times: 3, kind: { status: 403 } });
    await pull('tiny/Mistral-Tiny', { connections: 1 });
    assert.ok(sentForWeights() > 20);
  });

  test('but not for ever', async () => {
    hub.faults.push({ path: weightsAtCdn, times: 1000, kind: { status: 500 } });
    await assert.rejects(pull('tiny/Mistral-Tiny'), {
      code: 'machine',
      message: /the server answered 500, 8 times in a row/,
    });
  });
});

describe('tokens and gates', () => {
  beforeEach(() => {
    hub.repos.get('tiny/Mistral-Tiny')!.token = 'hf_right';
  });

  test('401 and 403 say what to do and where', async () => {
    await assert.rejects(pull('tiny/Mistral-Tiny'), (thrown: Error & { hint: string }) => {
      assert.match(thrown.message, /tiny\/Mistral-Tiny: is gated and no token was found \(401\)/);
      assert.ok(
        thrown.hint.includes(`open ${hub.endpoint}/tiny/Mistral-Tiny, sign in and click "Agree and access repository"`),
      );
      assert.ok(thrown.hint.includes(`${hub.endpoint}/settings/tokens`));
      return true;
    });
    await assert.rejects(
      pull('tiny/Mistral-Tiny', { env: { HF_TOKEN: 'hf_wrong' } }),
      (thrown: Error & { hint: string }) => {
        assert.match(thrown.message, /has no access yet \(403\)/);
        assert.doesNotMatch(thrown.message + thrown.hint, /hf_wrong/);
        return true;
      },
    );
  });

  test('the token goes to the Hub and nowhere else', async () => {
    await pull('tiny/Mistral-Tiny', { env: { HF_TOKEN: 'hf_right' } });
    assert.ok(
      hub.requests.some(({ origin, authorization }) => origin === 'hub' && authorization === 'Bearer hf_right'),
    );
    const elsewhere = hub.requests.filter(({ origin }) => origin === 'cdn');
    assert.ok(elsewhere.length > 10 && elsewhere.every(({ authorization }) => authorization === undefined));
  });
});

test('names that are not there say so', async () => {
  await assert.rejects(pull('tiny/None'), { code: 'model', message: /no such repository, or a private one \(404\)/ });
  await assert.rejects(pull('tiny/Mistral-Tiny@v2'), { code: 'model', message: /has no such revision/ });
  for (const what of ['', 'nothing', '../..', 'a/b/c', 'https://example.org/a/b', 'a--b/c']) {
    await assert.rejects(pull(what), { code: 'usage', message: /is nothing that can be pulled/ }, what);
  }
});

test('a renamed repository is followed, a page of the Hub and a commit are names', async () => {
  hub.repos.get('tiny/Mistral-Tiny')!.formerName = 'old/Name';
  assert.equal((await pull('old/Name')).name, 'mistral-tiny-q8_0');
  const page = await pull(`${hub.endpoint}/tiny/HF-Tiny/tree/${commitOf(huggingFace)}`, { name: 'by-page' });
  assert.equal(page.name, 'by-page');
  const record = JSON.parse(await readFile(join(page.folder, 'pixtral.json'), 'utf8'));
  assert.equal(record.source, `tiny/HF-Tiny@${commitOf(huggingFace)}`);
});

test('what is installed is not fetched again; another of that name needs --force', async () => {
  await pull('tiny/Mistral-Tiny');
  const sent = hub.sentBytes();
  assert.equal((await pull('tiny/Mistral-Tiny')).from, 'installed');
  assert.ok(hub.sentBytes() - sent < 100_000);
  hub.change('tiny/Mistral-Tiny', { ...mistral, 'consolidated.safetensors': otherWeights() });
  await assert.rejects(pull('tiny/Mistral-Tiny'), { code: 'usage', message: /is installed already/ });
  assert.equal((await pull('tiny/Mistral-Tiny', { force: true })).from, 'network');
});

test('of two at once, one waits and finds it installed', async () => {
  const notes: string[] = [];
  const both = await Promise.all([1, 2].map(() => pull('tiny/Mistral-Tiny', { onNote: (note) => notes.push(note) })));
  assert.deepEqual(both.map(({ from }) => from).sort(), ['installed', 'network']);
  assert.deepEqual(notes, ['another process pulls the same: waiting for it']);
});

describe("the Hub's cache", () => {
  test('--keep fills it as the Hub does, and the next pull needs no network', async () => {
    const kept = await pull('tiny/HF-Tiny', { keeps: true });
    const repo = join(root, 'hf', 'hub', 'models--tiny--HF-Tiny');
    const commit = await readFile(join(repo, 'refs', 'main'), 'utf8');
    assert.equal(commit, commitOf(huggingFace));
    for (const name of await readdir(join(repo, 'snapshots', commit))) {
      assert.deepEqual(await readFile(join(repo, 'snapshots', commit, name)), huggingFace[name], name);
    }
    assert.deepEqual(
      (await readdir(join(repo, 'blobs'))).filter((name) => !/^[0-9a-f]{40,64}$/.test(name)),
      [],
    );
    const requests = hub.requests.length;
    const again = await pull('tiny/HF-Tiny', { name: 'again', env: { HF_HUB_OFFLINE: '1' } });
    assert.equal(hub.requests.length, requests);
    assert.equal(again.from, 'cache');
    assert.deepEqual(await readPair(again), await readPair(kept));
  });

  test('without it, offline says so', async () => {
    await assert.rejects(pull('tiny/HF-Tiny', { env: { HF_HUB_OFFLINE: '1' } }), {
      code: 'machine',
      message: /is not in the Hub's cache, and HF_HUB_OFFLINE forbids the network/,
    });
    assert.equal(hub.requests.length, 0);
  });
});

describe('a pair that is ready', () => {
  const files: Record<string, Uint8Array> = {};
  before(async () => {
    const out = await mkdtemp(join(tmpdir(), 'pixtral-ready-'));
    for (const type of ['q8_0', 'f16'] as const) {
      const [model, mmproj] = await readPair(
        await convertCheckpoint(checkpointFolder('mistral'), {
          ...plainOptions(type, join(out, type)),
          mmprojType: 'f16',
        }),
      );
      files[`Tiny-${type.toUpperCase()}.gguf`] = model!;
      files['mmproj-Tiny-F16.gguf'] = mmproj!;
    }
    await rm(out, { recursive: true });
  });
  beforeEach(() => void hub.repos.set('tiny/Tiny-GGUF', { files }));

  test('is fetched as it is, of the type that was asked for', async () => {
    const done = await pull('tiny/Tiny-GGUF');
    assert.equal(done.name, 'tiny-q8_0');
    assert.deepEqual(
      await readPair(done),
      [files['Tiny-Q8_0.gguf'], files['mmproj-Tiny-F16.gguf']].map((one) => Buffer.from(one!)),
    );
    assert.equal((await pull('tiny/Tiny-GGUF', { type: 'f16' })).name, 'tiny-f16');
    await assert.rejects(pull('tiny/Tiny-GGUF', { type: 'q4_0' }), {
      code: 'usage',
      message: /expected one of: f16, q8_0/,
    });
  });

  test('a byte of it that is damaged while nothing runs is fetched again', async () => {
    const controller = new AbortController();
    const stopping = pull('tiny/Tiny-GGUF', {
      signal: controller.signal,
      onProgress: ({ doneBytes }) => void (doneBytes > 500_000 && controller.abort(new Error('stopped'))),
    });
    await assert.rejects(stopping, /stopped/);
    const paths = await readdir(join(root, 'models', '.pull'), { recursive: true });
    const part = join(
      root,
      'models',
      '.pull',
      paths.find((path) => path.endsWith('model.gguf.part'))!,
    );
    const bytes = await readFile(part);
    bytes[1000]! ^= 1;
    await writeFile(part, bytes);
    const notes: string[] = [];
    const done = await pull('tiny/Tiny-GGUF', { onNote: (note) => notes.push(note) });
    assert.ok(notes.some((note) => note.includes('is not what an earlier run wrote there')));
    assert.deepEqual((await readPair(done))[0], Buffer.from(files['Tiny-Q8_0.gguf']!));
  });

  test('a wrong byte in it ends with nothing', async () => {
    hub.faults.push({ path: /cdn\/.*Q8_0/, times: 1, kind: { flip: true } });
    await assert.rejects(pull('tiny/Tiny-GGUF'), { code: 'model' });
    assert.deepEqual(await visible(join(root, 'models')), []);
  });
});
