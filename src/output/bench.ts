import { byteSize } from '../base/byte-size.ts';
import type { BenchReport, BenchStage } from '../engine/bench/bench.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

/** What was measured, for people. */
export function benchText({ model, runtime, bandwidth, bytes, stages }: BenchReport): string {
  const { version, gpu, device, build, threads } = runtime;
  const head = [
    [
      'model',
      `${model}: ${byteSize(bytes.decoder)} and ${byteSize(bytes.tower)}, ${byteSize(bytes.step)} read for each step`,
    ],
    [
      'runtime',
      `llama.cpp ${version}, ${gpu}, ${device}, threads: ${threads}${build === undefined ? '' : `, ${build}`}`,
    ],
    [
      'memory',
      bandwidth === undefined ? "the GPU's own, not measured" : `${byteSize(Math.round(bandwidth))}/s when copying`,
    ],
  ];
  const rows = stages.map((stage) => [stage.name, ...cells(stage)]);
  const titles = ['stage', 'seconds', 'a second', 'memory allows'];
  return printable(`${table(head)}\n${table([titles, ...rows])}`);
}

export function benchJson({ model, runtime, bandwidth, bytes, stages }: BenchReport) {
  return {
    model,
    runtime,
    memory: { copy_bytes_per_second: bandwidth === undefined ? null : Math.round(bandwidth) },
    bytes,
    stages: stages.map(({ name, seconds, count, unit, rate, limit, skipped }) =>
      skipped === undefined
        ? {
            name: name.trim(),
            seconds: rounded(seconds),
            count,
            unit,
            per_second: rounded(rate),
            limit_per_second: limit === undefined ? null : rounded(limit),
          }
        : { name: name.trim(), unit, skipped },
    ),
  };
}

function cells({ seconds, unit, rate, limit, skipped }: BenchStage): string[] {
  if (skipped !== undefined) return [`left out: ${skipped}`];
  const shown = unit === 'byte' ? byteSize(Math.round(rate)) : `${short(rate)} ${unit}s`;
  const share = limit === undefined ? '' : `${short(limit)} ${unit}s (${Math.round((rate / limit) * 100)} %)`;
  return [short(seconds), shown, share];
}

/** Three figures. */
function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
