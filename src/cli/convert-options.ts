import { InvalidArgumentError, Option } from 'commander';
import type { TensorTypeOverride } from '../convert/mixture.ts';
import { type ConvertType, type MmprojType, convertTypes, mmprojTypes, tensorTypes } from '../convert/types.ts';

/** As commander gives `typeOptions`. */
export interface TypeFlags {
  mmprojType?: MmprojType;
  tensorType: TensorTypeOverride[];
  imatrix?: string;
}

/** Which types the pair is written in. */
export const typeOptions = ({ default: type }: { default: ConvertType | undefined }): Option[] => [
  new Option(
    '-t, --type <type>',
    type ? 'of the text model' : "of the text model (default: the best for this machine's memory)",
  )
    .choices(convertTypes)
    .default(type),
  new Option('--mmproj-type <type>', 'of the projector (default: f16; with --type f32 or bf16: that)').choices(
    mmprojTypes,
  ),
  new Option('--tensor-type <regex=type>', "a text tensor's own type; repeatable, the first match wins")
    .argParser(tensorTypeOverride)
    .default([], 'none'),
  new Option(
    '--imatrix <file>',
    'importance matrix of llama-imatrix (GGUF or .dat): weights that matter are kept closer',
  ),
];

/** `attn_v=q8_0`: matched anywhere in a tensor's name, whatever the case. */
function tensorTypeOverride(text: string, before: TensorTypeOverride[]): TensorTypeOverride[] {
  const [, source = '', name = ''] = /^(.+)=([^=]+)$/.exec(text) ?? [];
  const type = tensorTypes.find((known) => known === name.toLowerCase());
  if (type === undefined) throw new InvalidArgumentError(`expected <regex>=<type>, types: ${tensorTypes.join(', ')}.`);
  try {
    return [...before, { pattern: new RegExp(source, 'i'), type }];
  } catch {
    throw new InvalidArgumentError(`${source} is no regular expression.`);
  }
}
