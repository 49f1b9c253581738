/**
 * Compares our converter with llama.cpp's own, tensor by tensor and key by key, on tiny checkpoints of both layouts:
 * convert_hf_to_gguf.py for both files, and llama-quantize after it for every type of the text model.
 *
 *     LLAMA_CPP=<source tree of llama.cpp v0.5.0, with llama-quantize in build/bin> \
 *     PYTHON=<python with torch, transformers, mistral-common, sentencepiece> npm run compare:convert [-- quantize --write]
 *
 * With `pixtral`, `relatives`, `wide` or `quantize`, only that part; `relatives devstral-small-2 bf16`: only that one, to
 * that type. Exits with 1 when a tensor differs, or a key for which `expected` below has no reason. With --write, the
 * hashes of llama-quantize's tensors become fixtures/golden/quantized.json, which `npm test` holds ours to.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertCheckpoint } from '../../src/engine/convert.ts';
import { type ConvertType, type MmprojType, convertTypes, mmprojTypes } from '../../src/convert/types.ts';
import { readGguf } from '../../src/gguf/read.ts';
import { type Gguf, type GgufValue, ggmlTypeName } from '../../src/gguf/types.ts';
import { checkpointFolder, layoutFiles, relatives, scenePath } from '../helpers/checkpoints.ts';
import { plainOptions } from '../helpers/converted.ts';
import {
  type QuantizedCase,
  goldenQuantizedPath,
  mixedConfig,
  quantizedCases,
  tensorsHash,
  writeCaseImatrix,
} from '../helpers/quantized.ts';
import { relatives as shapes, writeRandomCheckpoint } from '../scale/random-checkpoint.ts';
import { type FloatType, hubParams, withFolder, writeCheckpoint } from '../helpers/weights.ts';

const tree = process.env['LLAMA_CPP'] ?? '';
const python = process.env['PYTHON'] ?? 'python3';
const quantizer = join(tree, 'build/bin/llama-quantize');

/** Keys in which we mean to differ, and why. */
const expected: readonly (readonly [key: RegExp, reason: string])[] = [
  [
    /^general\.architecture$/,
    'theirs is mistral3 for every Mistral3ForConditionalGeneration; more programs read llama',
  ],
  [/^pixtral\./, 'ours: pair id, tokenizer version, hash of the importance matrix'],
  [/^general\.quantized_by$/, 'ours: our version'],
  [/^quantize\.imatrix\.file$/, 'theirs is the whole path, ours the name'],
  [/^general\.(name|basename|version|finetune|size_label)$/, 'guessed from the folder name by each in its own way'],
  [
    /^tokenizer\.chat_template$/,
    'theirs is a short name, or a text with a system prompt of its own; ours lays out as mistral-common does, with tools',
  ],
  [/^tokenizer\.ggml\.scores$/, 'theirs are all zero and not read for this tokenizer'],
  [/^llama\.context_length$/, "Hugging Face's 1,024,000 is a mistake for 131,072"],
  [/^clip\.rope\.freq_base$/, 'theirs has it in one layout only'],
];
/** Tensors that their converter leaves out. */
const lacking: readonly (readonly [name: string, layout: string, reason: string])[] = [
  ['v.token_embd.img_break', 'huggingface', 'dropped by mistake; their own loader then refuses the file'],
];

let failures = 0;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(line: string): void {
  failures++;
  say(`FAILED ${line}`);
}

function convertTheirs(folder: string, { type, out, mistral }: { type: string; out: string; mistral: boolean }): void {
  mkdirSync(out, { recursive: true });
  for (const [file, flags] of [
    ['model.gguf', []],
    ['mmproj.gguf', ['--mmproj']],
  ] as const) {
    const format = mistral ? ['--mistral-format'] : [];
    const script = [join(tree, 'convert_hf_to_gguf.py'), folder, ...format, ...flags];
    execFileSync(python, [...script, '--outtype', type, '--outfile', join(out, file)], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PYTHONPATH: [join(tree, 'gguf-py'), process.env['PYTHONPATH'] ?? ''].join(':') },
    });
  }
}

function tensorBytes(gguf: Gguf, name: string): Buffer | undefined {
  const tensor = gguf.tensors.get(name);
  if (tensor === undefined) return undefined;
  return readFileSync(gguf.path).subarray(tensor.offset, tensor.offset + tensor.byteLength);
}

function compareTensors(ours: Gguf, theirs: Gguf, { where, layout }: { where: string; layout: string }): number {
  let equal = 0;
  for (const name of new Set([...ours.tensors.keys(), ...theirs.tensors.keys()])) {
    const [mine, other] = [ours.tensors.get(name), theirs.tensors.get(name)];
    if (other === undefined && lacking.some(([known, where_]) => known === name && where_ === layout)) continue;
    const shapes = [mine, other].map((tensor) => tensor && `${ggmlTypeName(tensor.type)} ${tensor.dims.join('x')}`);
    if (shapes[0] !== shapes[1]) fail(`${where} ${name}: ours ${shapes[0]}, theirs ${shapes[1]}`);
    else if (tensorBytes(ours, name)?.equals(tensorBytes(theirs, name) ?? Buffer.alloc(0)) !== true) {
      fail(`${where} ${name}: bytes differ`);
    } else equal++;
  }
  return equal;
}

function show(value: GgufValue | undefined): string {
  if (value === undefined) return 'absent';
  if (value.type !== 'array') return `${value.type} ${String(value.value).slice(0, 40)}`;
  return `${value.elementType}[${value.count}] ${Buffer.from(value.bytes).toString('base64')}`;
}

const reasons = new Set<string>();

/** Where nothing is stretched the two architectures have the same keys, but for their first word. */
function underOneName({ metadata }: Gguf, isPlain: boolean): ReadonlyMap<string, GgufValue> {
  if (!isPlain) return metadata;
  return new Map([...metadata].map(([key, value]) => [key.replace(/^mistral3\./, 'llama.'), value]));
}

function compareKeys(ours: Gguf, theirs: Gguf, where: string): void {
  const isPlain = show(ours.metadata.get('general.architecture')) === 'string llama';
  const [mineAll, otherAll] = [underOneName(ours, isPlain), underOneName(theirs, isPlain)];
  for (const key of new Set([...mineAll.keys(), ...otherAll.keys()])) {
    const [mine, other] = [show(mineAll.get(key)), show(otherAll.get(key))];
    if (mine === other) continue;
    const reason = expected.find(([pattern]) => pattern.test(key))?.[1];
    const line = `${key}: ours ${mine.slice(0, 60)}, theirs ${other.slice(0, 60)}`;
    if (reason === undefined) fail(`${where} ${line}`);
    else reasons.add(`${key} (${reason})`);
  }
}

/** We must be able to use pairs that their converter made. */
function compareAnswers(mine: string, other: string, where: string): void {
  const [ours, theirs] = [answer(mine), answer(other)];
  if (ours !== theirs || ours.startsWith('exit'))
    fail(`${where} ask: ${JSON.stringify(ours)} from our pair, ${JSON.stringify(theirs)} from theirs`);
  else say(`${where} ask: both pairs give the same answer`);
}

function answer(folder: string): string {
  const words = [
    'ask',
    scenePath('c-64x64.png'),
    'describe',
    '--temperature',
    '0',
    '--max-tokens',
    '8',
    '--gpu',
    'off',
  ];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'src/cli/run.ts', ...words, '--model', folder],
    { encoding: 'utf8' },
  );
  return status === 0 ? stdout : `exit ${status}: ${stderr}`;
}

/** What their converter demands of each layout and real folders have. */
function complete(folder: string, layout: string): void {
  if (layout === 'mistral') return addContext(join(folder, 'params.json'));
  const decoder = { 12: { content: '[IMG_BREAK]', special: true } };
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ added_tokens_decoder: decoder }));
  const [mean, std] = [
    [0.48145466, 0.4578275, 0.40821073],
    [0.26862954, 0.26130258, 0.27577711],
  ];
  writeFileSync(join(folder, 'preprocessor_config.json'), JSON.stringify({ image_mean: mean, image_std: std }));
}

/** Their converter writes no context length without it, and pixtral refuses such a file. */
function addContext(path: string): void {
  const params = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify({ max_position_embeddings: 131_072, ...params }));
}

async function compareConverters(base: string): Promise<void> {
  for (const layout of ['mistral', 'huggingface'] as const) {
    for (const dtype of ['BF16', 'F32', 'F16'] as const satisfies FloatType[]) {
      const folder = await writeCheckpoint(join(base, `${layout}-${dtype}`), {
        layout,
        dtype,
        changeConfig: (json) => (layout === 'mistral' ? hubParams(json) : json),
      });
      complete(folder, layout);
      for (const type of mmprojTypes)
        await compareType(folder, { type, layout, where: `${layout} ${dtype} to ${type}:` });
    }
  }
}

async function compareType(
  folder: string,
  { type, layout, where }: { type: MmprojType; layout: string; where: string },
): Promise<void> {
  const [mine, other] = [join(folder, `ours-${type}`), join(folder, `theirs-${type}`)];
  await convertCheckpoint(folder, plainOptions(type, mine));
  convertTheirs(folder, { type, out: other, mistral: layout === 'mistral' });
  for (const file of ['model.gguf', 'mmproj.gguf']) {
    const [ours, theirs] = [await readGguf(join(mine, file)), await readGguf(join(other, file))];
    const equal = compareTensors(ours, theirs, { where, layout });
    compareKeys(ours, theirs, `${where} ${file}`);
    say(`${where} ${file}: ${equal} tensors equal`);
  }
  compareAnswers(mine, other, where);
}

/** Each from the two layouts alone: to the types that their converter knows, and with llama-quantize to the others. */
async function compareRelatives(base: string): Promise<void> {
  for (const name of asked(relatives)) {
    for (const [layout, files] of Object.entries(layoutFiles)) {
      const folder = join(base, layout, name);
      mkdirSync(folder, { recursive: true });
      for (const file of files) copyFileSync(join(checkpointFolder(name), file), join(folder, file));
      complete(folder, layout);
      const floats = convertTheirFloats(folder, layout);
      for (const type of asked(convertTypes)) {
        const both = mmprojTypes.find((known) => known === type);
        if (both) await compareType(folder, { type: both, layout, where: `${layout} ${name} to ${type}:` });
        else await compareQuantized(plainCase(`${name} to ${type}`, type), { folder, floats, layout });
      }
    }
  }
}

function plainCase(name: string, type: ConvertType): QuantizedCase {
  return { name, type, overrides: [], imatrix: undefined };
}

/** Those that the command names, or all. */
function asked<Name extends string>(names: readonly Name[]): readonly Name[] {
  const named = names.filter((name) => process.argv.includes(name));
  return named.length > 0 ? named : names;
}

/** The float32 file of their converter, for llama-quantize: it loses nothing. */
function convertTheirFloats(folder: string, layout: string): string {
  const out = join(folder, 'theirs-floats');
  convertTheirs(folder, { type: 'f32', out, mistral: layout === 'mistral' });
  return join(out, 'model.gguf');
}

async function compareQuantized(
  { name, type, overrides, imatrix }: QuantizedCase,
  { folder, floats, layout }: { folder: string; floats: string; layout: string },
): Promise<string> {
  const where = `${layout} ${name}:`;
  const [mine, other] = [join(folder, 'ours'), join(folder, 'theirs.gguf')];
  const matrix = imatrix === undefined ? undefined : writeCaseImatrix(folder, imatrix);
  const flags = [
    ...overrides.flatMap((override) => ['--tensor-type', `${override.pattern.source}=${override.type}`]),
    ...(matrix === undefined ? [] : ['--imatrix', matrix]),
  ];
  execFileSync(quantizer, [...flags, floats, other, type.toUpperCase()], { stdio: ['ignore', 'ignore', 'pipe'] });
  await convertCheckpoint(folder, { ...plainOptions(type, mine), overrides, imatrix: matrix, force: true });
  const [ours, theirs] = [await readGguf(join(mine, 'model.gguf')), await readGguf(other)];
  const equal = compareTensors(ours, theirs, { where, layout });
  compareKeys(ours, theirs, where);
  say(`${where} ${equal} tensors equal`);
  return tensorsHash(theirs);
}

/** Every type from both layouts; the hashes of llama-quantize's tensors, by case. */
const hashes = new Map<string, string>();

async function compareQuantization(base: string): Promise<void> {
  for (const layout of ['mistral', 'huggingface'] as const) {
    for (const [index, [config, cases]] of quantizedCases().entries()) {
      const changeConfig = layout === 'mistral' ? hubParams : undefined;
      const folder = await writeCheckpoint(join(base, `${layout}-${index}`), {
        layout,
        dtype: 'BF16',
        config,
        ...(changeConfig && { changeConfig }),
      });
      complete(folder, layout);
      const floats = convertTheirFloats(folder, layout);
      for (const one of cases) hashes.set(one.name, await compareQuantized(one, { folder, floats, layout }));
    }
  }
}

/** The relatives' own kinds with rows of whole super-blocks, none of which falls back to another type. */
async function compareWide(base: string): Promise<void> {
  for (const [name, config, kind] of [
    ['ministral-3', shapes['Ministral 3 8B'], { float8: true, version: 'v13' }],
    ['shieldstral', shapes['Ministral 3 3B, Shieldstral 1.0'], { float8: false, version: 'v13' }],
    ['mistral-small-3.1', shapes['Mistral Small 3.1, 3.2, Magistral Small 1.2'], { float8: false, version: 'v7' }],
  ] as const) {
    const { dim, layers, heads, kvHeads, headDim, hiddenDim } = mixedConfig.text;
    const text = { ...config.text, dim, layers, heads, kvHeads, headDim, hiddenDim };
    const vision = { ...config.vision, hiddenSize: 64, intermediateSize: 128, layers: 1, heads: 4, headDim: 16 };
    const folder = join(base, name);
    await writeRandomCheckpoint(folder, { config: { text, vision }, layout: 'mistral', ...kind });
    const floats = convertTheirFloats(folder, 'mistral');
    for (const type of asked(convertTypes))
      await compareQuantized(plainCase(`wide ${name} to ${type}`, type), { folder, floats, layout: 'mistral' });
  }
}

const parts = {
  pixtral: compareConverters,
  relatives: compareRelatives,
  wide: compareWide,
  quantize: compareQuantization,
};
for (const part of asked(Object.keys(parts) as (keyof typeof parts)[])) await withFolder(parts[part]);

if (process.argv.includes('--write')) {
  writeFileSync(goldenQuantizedPath, `${JSON.stringify(Object.fromEntries(hashes), undefined, 2)}\n`);
}

say('Keys that differ for a reason:');
for (const reason of [...reasons].sort()) say(`  ${reason}`);
for (const [name, layout, reason] of lacking) say(`  tensor ${name} in the ${layout} layout (${reason})`);
process.exitCode = failures === 0 ? 0 : 1;
