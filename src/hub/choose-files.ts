import { PixtralError } from '../base/errors.ts';
import { isSentencePiece, sentencePieceFinding, sentencePieceHint } from '../weights/families/out-of-scope.ts';
import type { RemoteFile } from './remote.ts';

/** What of a repository or torrent is fetched: one layout of a checkpoint, or a pair that is ready. */
export type Choice =
  | { kind: 'checkpoint'; small: RemoteFile[]; weights: RemoteFile[] }
  | { kind: 'pair'; model: RemoteFile; mmproj: RemoteFile };

interface LayoutFiles {
  config: string;
  weights: RegExp;
  index: string;
  others: readonly string[];
}

/** Mistral's first: nothing has to be permuted back, and its tokenizer says which version it is. */
const layouts: readonly LayoutFiles[] = [
  {
    config: 'params.json',
    weights: /^consolidated(-\d{5}-of-\d{5})?\.safetensors$/,
    index: 'consolidated.safetensors.index.json',
    others: ['tekken.json', 'tokenizer.json', 'README.md'],
  },
  {
    config: 'config.json',
    weights: /^model(-\d{5}-of-\d{5})?\.safetensors$/,
    index: 'model.safetensors.index.json',
    others: [
      'tekken.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'chat_template.json',
      'chat_template.jinja',
      'README.md',
    ],
  },
];
const tokenizers = ['tekken.json', 'tokenizer.json'];
/** Tekken has 20 MB, an index some 60 kB. */
const maxSmallBytes = 256 * 1024 * 1024;

/**
 * The files that a conversion needs and no others, also where a repository holds both layouts.
 * @param type names one of several ready models, as in `Pixtral-12B-Q4_K_M.gguf`; undefined where none was asked for
 * @throws PixtralError `model` when there is nothing of use
 */
export function chooseFiles(
  files: readonly RemoteFile[],
  { label, chooseModel }: { label: string; chooseModel: (models: readonly RemoteFile[]) => RemoteFile },
): Choice {
  const top = files.filter(({ path }) => !path.includes('/'));
  const chosen = layouts.map((layout) => layoutFiles(top, layout)).find((found) => found !== undefined);
  if (chosen) return { kind: 'checkpoint', ...requireSmall(chosen, label) };
  if (top.some(({ path }) => path === 'params.json') && top.some(({ path }) => isSentencePiece(path))) {
    throw new PixtralError('model', `${label}: ${sentencePieceFinding}`, { hint: sentencePieceHint });
  }
  const ggufs = files.filter(({ path }) => path.endsWith('.gguf') && !/-\d{5}-of-\d{5}\.gguf$/.test(path));
  const projectors = ggufs.filter(({ path }) => /mmproj/i.test(path));
  const models = ggufs.filter(({ path }) => !/mmproj/i.test(path));
  if (models.length > 0 && projectors.length > 0) {
    return { kind: 'pair', model: chooseModel(models), mmproj: bestProjector(projectors) };
  }
  const finding = models.length > 0 ? 'GGUF files without an mmproj' : 'no weights of a kind that is known';
  throw new PixtralError('model', `${label}: holds ${finding}`, {
    hint: 'expected params.json with consolidated*.safetensors, config.json with model*.safetensors, or a model and an mmproj*.gguf',
  });
}

function layoutFiles(
  files: readonly RemoteFile[],
  { config, weights, index, others }: LayoutFiles,
): { small: RemoteFile[]; weights: RemoteFile[] } | undefined {
  const found = files.filter(({ path }) => weights.test(path));
  const names = files.map(({ path }) => path);
  if (!names.includes(config) || found.length === 0 || !tokenizers.some((name) => names.includes(name)))
    return undefined;
  const wanted = [config, index, ...others].filter(
    (name) => name !== 'tokenizer.json' || !names.includes('tekken.json'),
  );
  return { small: files.filter(({ path }) => wanted.includes(path)), weights: found };
}

function requireSmall<Found extends { small: RemoteFile[] }>(found: Found, label: string): Found {
  const large = found.small.find(({ byteLength }) => byteLength > maxSmallBytes);
  if (!large) return found;
  throw new PixtralError('model', `${label}/${large.path}: has ${large.byteLength} bytes, expected a small file`);
}

/** Half precision is what llama.cpp's converter writes; a projector of 8 bits is a last resort. */
function bestProjector(projectors: readonly RemoteFile[]): RemoteFile {
  const order = [/f16/i, /bf16/i, /f32/i, /./];
  const rank = ({ path }: RemoteFile): number =>
    /bf16/i.test(path) ? 1 : order.findIndex((pattern) => pattern.test(path));
  return projectors.toSorted((one, other) => rank(one) - rank(other))[0]!;
}
