import { byteSize } from '../base/byte-size.ts';
import type { Diagnosis } from '../engine/runtime/doctor.ts';
import { adviceText } from './builds.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

/** What `doctor` found, for people. */
export function diagnosisText({
  platform,
  node,
  runtime,
  build,
  backends,
  devices,
  memory,
  model,
  problems,
}: Diagnosis): string {
  const rows: string[][] = [
    ['platform', `${platform}, Node ${node}`],
    ['memory', `${byteSize(memory.available)} free of ${byteSize(memory.total)}`],
  ];
  if (runtime) {
    rows.push(
      [
        'llama.cpp',
        `${runtime.version}, ${runtime.gpu}, ${runtime.symbols} symbols found, ${runtime.mathCores} cores for arithmetic`,
      ],
      ['libraries', runtime.libraries.llama],
    );
  }
  if (build) rows.push(['build', adviceText(build)]);
  for (const { gpu, ...tried } of backends) {
    const found = tried.verdict === 'works' ? `computes rightly on ${tried.devices.join(', ')}` : tried.finding;
    rows.push(['GPU trial', `${gpu}: ${found}`]);
  }
  for (const { name, description, kind, memoryFree, memoryTotal } of devices) {
    const size = memoryTotal > 0 ? `, ${byteSize(memoryFree)} free of ${byteSize(memoryTotal)}` : '';
    rows.push(['device', `${name} (${kind}): ${description}${size}`]);
  }
  if (model) {
    rows.push(
      ['model', `${model.name}: ${model.model}`],
      ['  weights', byteSize(model.weights)],
      ['  vision', `${byteSize(model.tower)} with one largest picture`],
      ['  KV cache', `${byteSize(model.cache)} for ${model.contextSize} tokens`],
      ['  compute', byteSize(model.compute)],
      ['  on the GPU', `${model.gpuLayers} of ${model.layers + 1} layers`],
      ['  fits', model.fits ? 'yes' : 'no'],
    );
  }
  const verdict =
    problems.length === 0 ? 'all is well\n' : problems.map((problem) => `problem: ${printable(problem)}\n`).join('');
  return table(rows.map((row) => row.map(printable))) + verdict;
}
