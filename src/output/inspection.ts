import { byteSize } from '../base/byte-size.ts';
import type { Inspection } from '../convert/inspect.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

/** A summary as `name  value` lines, then the tensors if they are wanted. */
export function inspectionText(
  summary: Omit<Inspection, 'tensors' | 'keys'>,
  tensors: Inspection['tensors'] | undefined,
): string {
  const { text, image } = summary;
  const rows: [string, unknown][] = [
    ['path', summary.path],
    ['kind', `${summary.kind} (${summary.architecture})`],
    ['name', summary.name],
    ['parameters', summary.parameters.toLocaleString('en')],
    ['size', byteSize(summary.byteLength)],
    ...summary.types.map(({ type, tensors: count, byteLength }): [string, string] => [
      `  ${type}`,
      `${count} tensors, ${byteSize(byteLength)}`,
    ]),
    ['tokenizer', summary.tokenizerVersion],
    ['family', summary.family],
    [
      'text',
      text && `${text.layers} layers of ${text.dim}, vocabulary ${text.vocabularySize}, context ${text.contextLength}`,
    ],
    ['images', image && imageText(image)],
    ['pair id', summary.pairId],
    ...summary.notes.map((note): [string, string] => ['note', note]),
  ];
  const shown = rows
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, printable(String(value))]);
  const listed = tensors?.map(({ name, type, shape, byteLength }) => [
    printable(name),
    type,
    shape.join('x'),
    byteSize(byteLength),
  ]);
  return table(shown) + (listed ? table(listed) : '');
}

function imageText({ layers, imageSize, patchSize, spatialMergeSize }: NonNullable<Inspection['image']>): string {
  const merge = spatialMergeSize > 1 ? `, ${spatialMergeSize}x${spatialMergeSize} patches a token` : '';
  return `${layers} layers, up to ${imageSize} px, patches of ${patchSize} px${merge}`;
}
