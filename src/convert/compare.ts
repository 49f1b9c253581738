import type { InspectedTensor, Inspection } from './inspect.ts';

/** A value that two files have differently; undefined where one lacks it. */
export interface Difference {
  name: string;
  a: string | undefined;
  b: string | undefined;
}

export interface Comparison {
  a: string;
  b: string;
  /** Whether both are of the same weights, whatever layout and type; undefined where one does not say. */
  sameWeights: boolean | undefined;
  /** Settings and, between GGUF files, metadata. */
  settings: Difference[];
  /** By GGUF name: type and shape. */
  tensors: Difference[];
  /** Tensors that have the same type and shape in both. */
  sameTensors: number;
}

/** What differs between two checkpoints, pairs or GGUF files, as far as their headers tell. */
export function compareInspections(a: Inspection, b: Inspection): Comparison {
  const settings =
    a.kind === 'checkpoint' || b.kind === 'checkpoint' ? [] : differences(entries(a.keys), entries(b.keys));
  const [left, right] = [tensorsOf(a), tensorsOf(b)];
  const tensors = differences(left, right);
  return {
    a: a.path,
    b: b.path,
    sameWeights: a.pairId === undefined || b.pairId === undefined ? undefined : a.pairId === b.pairId,
    settings: [...differences(summaryOf(a), summaryOf(b)), ...settings],
    tensors,
    sameTensors: new Set([...left.keys(), ...right.keys()]).size - tensors.length,
  };
}

function entries(record: Record<string, string>): Map<string, string> {
  return new Map(Object.entries(record));
}

function summaryOf({ kind, architecture, parameters, tokenizerVersion, text, image }: Inspection): Map<string, string> {
  return new Map(
    Object.entries({
      kind,
      architecture,
      parameters,
      tokenizerVersion,
      ...prefixed('text', text),
      ...prefixed('image', image),
    })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, String(value)]),
  );
}

function prefixed(prefix: string, fields: object | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields ?? {}).map(([name, value]) => [`${prefix}.${name}`, value]));
}

function tensorsOf({ tensors }: Inspection): Map<string, string> {
  return new Map(tensors.map((tensor) => [tensor.canonical, spelled(tensor)]));
}

function spelled({ type, shape }: InspectedTensor): string {
  return `${type} ${shape.join('x')}`;
}

function differences(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): Difference[] {
  return [...new Set([...a.keys(), ...b.keys()])]
    .map((name) => ({ name, a: a.get(name), b: b.get(name) }))
    .filter(({ a: left, b: right }) => left !== right);
}
