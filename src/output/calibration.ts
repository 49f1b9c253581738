import type { Calibration, Reliability } from '../asking/decisions/calibration.ts';
import { table } from './table.ts';

/** What a fit on labelled examples found, question by question, for a terminal. */
export function calibrationText(found: Readonly<Record<string, Calibration>>): string {
  const head = ['question', 'examples', 'accuracy', 'AUROC', 'ECE before', 'ECE after', 'temperature'];
  const rows = Object.entries(found).map(([name, { examples, accuracy, auroc, before, after, temperature }]) => [
    name,
    String(examples),
    percent(accuracy),
    auroc === undefined ? '-' : auroc.toFixed(4),
    before.error.toFixed(4),
    after.error.toFixed(4),
    temperature.toPrecision(3),
  ]);
  const diagrams = Object.entries(found).map(([name, { before, after }]) => `\n${diagram(name, before, after)}`);
  return `${table([head, ...rows])}${diagrams.join('')}`;
}

const width = 30;

/** For each tenth of confidence how often the answer was right: `#`; `|` is where it should end. */
function diagram(name: string, before: Reliability, after: Reliability): string {
  const lines = [`${name}: how often right, by confidence (before, after)`];
  for (const [at, bin] of before.bins.entries()) {
    const other = after.bins[at]!;
    if (bin.count === 0 && other.count === 0) continue;
    const label = `${at / 10}-${(at + 1) / 10}`.padEnd(8);
    lines.push(`  ${label}${bar(bin)}  ${bar(other)}`.trimEnd());
  }
  return `${lines.join('\n')}\n`;
}

function bar({ count, confidence, accuracy }: Reliability['bins'][number]): string {
  if (count === 0) return ' '.repeat(width + 8);
  const cells: string[] = Array.from({ length: width + 1 }, (_, at) => (at < Math.round(accuracy * width) ? '#' : '.'));
  cells[Math.round(confidence * width)] = '|';
  return `${cells.join('')} ${String(count).padStart(6)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** The same as a drawing: bars before (pale) and after (dark), and the line on which they should end. */
export function calibrationSvg(found: Readonly<Record<string, Calibration>>): string {
  const [side, gap] = [320, 60];
  const panels = Object.entries(found).map(([name, calibration], index) =>
    panel(name, calibration, index * (side + gap) + gap),
  );
  const total = Object.keys(found).length * (side + gap) + gap;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${total}" height="${side + 2 * gap}" font-family="DejaVu Sans, sans-serif" font-size="13"><rect width="100%" height="100%" fill="white"/>${panels.join('')}</svg>`;

  function panel(name: string, { before, after }: Calibration, left: number): string {
    const step = side / 10;
    const column = (bins: Reliability['bins'], { offset, fill }: { offset: number; fill: string }): string =>
      bins
        .map(({ count, accuracy }, at) =>
          count === 0
            ? ''
            : `<rect x="${at * step + offset}" y="${side * (1 - accuracy)}" width="${step / 2 - 2}" height="${side * accuracy}" fill="${fill}"/>`,
        )
        .join('');
    const title = `${name}: ECE ${before.error.toFixed(3)}, after ${after.error.toFixed(3)}`;
    return `<g transform="translate(${left} ${gap})"><text y="-20">${escapeXml(title)}</text>${column(before.bins, { offset: 1, fill: '#b9c6e8' })}${column(after.bins, { offset: step / 2, fill: '#2f4b9c' })}<path d="M0 ${side}L${side} 0" stroke="#c33" stroke-dasharray="5 4"/><path d="M0 0V${side}H${side}" fill="none" stroke="#333"/><text y="${side + 22}">0</text><text x="${side - 8}" y="${side + 22}">1</text><text x="${side / 2 - 36}" y="${side + 40}">confidence</text></g>`;
  }
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
