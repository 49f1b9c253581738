import { byteSize } from '../base/byte-size.ts';
import { type InstalledModel, type PairSums, type Verified, recordedSums } from '../store/models.ts';
import { table } from './table.ts';

interface Surroundings {
  folder: string;
  /** Used when none is named. */
  usual: InstalledModel | undefined;
}

/** `models ls --json`, version 1. */
export function modelsJson(models: readonly InstalledModel[], { folder, usual }: Surroundings) {
  return { folder, default: usual?.name, models: models.map((model) => modelJson(model)) };
}

export function modelsText(models: readonly InstalledModel[], { folder, usual }: Surroundings): string {
  if (models.length === 0) return `no models in ${folder}; pixtral pull pixtral-12b installs one\n`;
  const rows = models.map(({ name, bytes, record }) => [
    `${name === usual?.name ? '*' : ' '} ${name}`,
    record.type,
    byteSize(bytes),
    record.source.slice(0, 60),
    record.pulled.slice(0, 10),
  ]);
  return table([['  NAME', 'TYPE', 'SIZE', 'FROM', 'PULLED'], ...rows]);
}

/** `models verify --json`, version 1. */
export function verifiedJson(verified: readonly Verified[]) {
  return { models: verified.map(({ model, state, damaged }) => ({ name: model.name, state, damaged })) };
}

export function verifiedText(verified: readonly Verified[]): string {
  const said = {
    whole: 'as it was installed',
    damaged: 'damaged',
    unknown: 'was installed before sums were recorded',
  };
  return table(verified.map(({ model, state, damaged }) => [model.name, said[state], damaged.join(', ')]));
}

/** `models show --json`, version 1, and an entry of `models ls --json`. */
export function modelJson(installed: InstalledModel, sha256: PairSums | undefined = recordedSums(installed)) {
  const { name, folder, model, mmproj, bytes, record } = installed;
  const { source, revision, type, mmprojType, original, pulled, pulledBy } = record;
  return {
    name,
    folder,
    files: { model, mmproj },
    bytes,
    type,
    mmproj_type: mmprojType,
    source,
    revision,
    original,
    pulled,
    pulled_by: pulledBy,
    ...(sha256 && { sha256 }),
  };
}

export function modelText(model: InstalledModel, sha256: PairSums | undefined = recordedSums(model)): string {
  const { name, bytes, record } = model;
  const rows = [
    ['name', name],
    ['model', model.model],
    ['projector', model.mmproj],
    ['type', `${record.type}, projector ${record.mmprojType}`],
    ['size', byteSize(bytes)],
    ['from', record.source],
    ['revision', record.revision],
    ['pulled', `${record.pulled} by ${record.pulledBy}`],
    ...(sha256
      ? [
          ['model sha256', sha256.model],
          ['projector sha256', sha256.mmproj],
        ]
      : []),
  ];
  const originals = record.original.map((file) => [`  ${file.name}`, byteSize(file.bytes), file.sha256 ?? '']);
  return `${table(rows)}fetched and checked:\n${table(originals)}`;
}

export function removedText({ name, bytes }: InstalledModel): string {
  return `removed ${name}, ${byteSize(bytes)}\n`;
}
