import { byteSize } from '../base/byte-size.ts';
import type { BuildAdvice } from '../native/own/advice.ts';
import type { BuildRecord, OwnBuild, Speed } from '../native/own/record.ts';
import type { StepProgress } from '../native/own/steps.ts';
import { every } from './pace.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

export interface ListedBuild {
  build: OwnBuild;
  bytes: number;
  /** Why it is not used here. */
  unfit: string | undefined;
}

/** What was built here, for people. */
export function buildsText(builds: readonly ListedBuild[], folder: string): string {
  if (builds.length === 0) return printable(`nothing is built in ${folder}\n`);
  const rows = builds.map(({ build: { name, record }, bytes, unfit }) => [
    name,
    `llama.cpp ${record.source}`,
    record.compiler,
    record.made.slice(0, 10),
    byteSize(bytes),
    unfit ?? (record.speed ? speedText(record.speed) : 'in use'),
  ]);
  return table(rows.map((row) => row.map(printable)));
}

export function buildJson({ build: { name, folder, record }, bytes, unfit }: ListedBuild) {
  const { target, source, compiler, machine, made, speed } = record;
  const measured = speed && {
    unit: '1e9 operations a second on one core',
    f16: { ...speed.f16, ratio: ratio(speed.f16) },
    q4_k: { ...speed.q4_k, ratio: ratio(speed.q4_k) },
  };
  return { name, folder, target, source, compiler, machine, made, bytes, unused_because: unfit, speed: measured };
}

/** `products of f16 weights 2.1 times, of q4_k 1.1 times as fast as the prebuilt` */
export function speedText({ f16, q4_k: k }: Speed): string {
  return `f16 products ${ratio(f16)} times, q4_k ${ratio(k)} times as fast as the prebuilt library's`;
}

function ratio({ before, after }: { before: number; after: number }): number {
  return Math.round((after / before) * 100) / 100;
}

/** What `doctor` says of it. */
export function adviceText(advice: BuildAdvice): string {
  switch (advice.kind) {
    case 'in-use': {
      const { name, record } = advice.build;
      const measured = record.speed ? `: ${speedText(record.speed)}` : '';
      return `${name}, made here by ${record.compiler}${measured}`;
    }
    case 'unfit':
      return `${advice.build.name} is not used: ${advice.reason}; pixtral build makes one that is`;
    case 'may-pay':
      return `pixtral build may pay: the prebuilt library was made by ${advice.prebuilt}, here is ${advice.here}`;
    case 'would-hardly-pay':
      return `pixtral build would hardly pay: ${advice.here} is no newer than the prebuilt library's ${advice.prebuilt}`;
    case 'cannot':
      break;
  }
  return `prebuilt; ${advice.reason}`;
}

/** What has come of a build. */
export function madeText({ name, folder, record }: OwnBuild, { isOld }: { isOld: boolean }): string {
  const rates = record.speed && ratesText(record);
  const lines = [
    isOld
      ? `${name} is built already and in use; --force builds it again`
      : `${name} is built, tried and in use from now on`,
    `folder: ${folder}`,
    ...(rates === undefined ? [] : [`measured beside the prebuilt library: ${rates}`]),
    ...(record.speed && !pays(record.speed)
      ? [`it was no faster when it was made: pixtral build --remove ${name} goes back to the prebuilt library`]
      : []),
  ];
  return printable(`${lines.join('\n')}\n`);
}

/** Products of f16 are what a picture takes, those of q4_k what a prompt takes. */
function pays({ f16, q4_k: k }: Speed): boolean {
  return ratio(f16) + ratio(k) > 2;
}

function ratesText({ speed }: BuildRecord): string {
  const rows = Object.entries(speed!).map(
    ([type, pair]: [string, Speed['f16']]) =>
      `${type} ${pair.before} -> ${pair.after} GFLOP/s a core (${ratio(pair)} times)`,
  );
  return rows.join(', ');
}

interface Sink {
  isTTY: boolean;
  columns?: number | undefined;
  write(text: string): void;
}

/** One line that is rewritten on a terminal; else a line for each step and quarter. */
export function buildProgress(sink: Sink) {
  const due = every(100);
  let [title, quarter] = ['', 0];
  return {
    update(progress: StepProgress): void {
      const percent = Math.floor(progress.share * 100);
      if (sink.isTTY) {
        if (progress.title === title && !due()) return;
        title = progress.title;
        sink.write(`\r\u001B[K${`${title} ${percent} %`.slice(0, (sink.columns || 80) - 1)}`);
        return;
      }
      if (progress.title === title && Math.floor(percent / 25) === quarter) return;
      [title, quarter] = [progress.title, Math.floor(percent / 25)];
      sink.write(`${title} ${percent} %\n`);
    },
    stop(): void {
      if (sink.isTTY) sink.write('\r\u001B[K');
    },
  };
}
