import type { Rgb } from '../../src/image/pixels/seen.ts';
import type { Ours, OurPage } from './ours.ts';
import type { Reading, Readings } from './reference.ts';

export const verdicts = [
  'right',
  'warned',
  'refused truthfully',
  'refused wrongly',
  'WRONG IN SILENCE',
  'disputed',
  'failed',
  'unjudged',
] as const;
export type Verdict = (typeof verdicts)[number];

/** How far our pixels may be from a reader's, of 255: on average, and on average in any block. */
export interface Limits {
  mean: number;
  block: number;
  /** Pixels of a block's side. */
  side: number;
}

/** What a generator knows of a file, by its name in `expected.json`; `*` speaks for all others. */
export interface Expectation {
  /** Only this one is believed. */
  reader?: string;
  /** A PNG with the right pixels of page 1, beside expected.json. */
  reference?: string;
  /** The same of all pages, in their order. */
  references?: string[];
  limits?: Partial<Limits>;
  /** `refused`: nobody can show it; `warned`: shown with a warning, whatever it looks like. */
  verdict?: 'refused' | 'warned';
}

export interface Judgement {
  verdict: Verdict;
  /** One line: the difference, or the refusal. */
  says: string;
  difference: Difference | undefined;
  /** The page that differs most, and what it was compared with. */
  page: OurPage | undefined;
  reading: Reading | undefined;
}

export interface Difference {
  reader: string;
  mean: number;
  block: number;
  /** In units of the limits; over 1 is too much. */
  excess: number;
}

const limitsOf = {
  exact: { mean: 0.6, block: 2, side: 16 },
  still: { mean: 2, block: 8, side: 16 },
  /** Edges are smoothed, and fonts that are not in the file drawn, by each reader's own taste. */
  drawn: { mean: 8, block: 40, side: 32 },
} satisfies Record<string, Limits>;

/** Words of ours that blame the file. */
const blames = /damaged|cannot be decoded|breaks off|ends before|crashed|is not decoded after|takes more than|checksum/;
const denies = /is no picture|is a text file|is empty|without a drawing/;

export function judgeRefusal(
  ours: Exclude<Ours, { kind: 'shown' }>,
  { readings, expected }: { readings: Readings; expected: Expectation },
): Judgement {
  const [reading] = readings.readings;
  const judgement = { difference: undefined, page: undefined, reading };
  if (ours.kind === 'failed') return { ...judgement, verdict: 'failed', says: ours.message };
  const says = `${ours.message}${ours.hint === undefined ? '' : ` (${ours.hint})`}`;
  const isValid = reading !== undefined || (expected.reference ?? expected.references) !== undefined;
  const isUntrue = isValid && expected.verdict !== 'refused' && (blames.test(says) || denies.test(says));
  return { ...judgement, verdict: isUntrue ? 'refused wrongly' : 'refused truthfully', says };
}

export function judgePage(
  page: OurPage,
  { readings, expected }: { readings: readonly Reading[]; expected: Expectation },
): Judgement {
  const believed = readings.filter(({ reader }) => expected.reader === undefined || expected.reader === reader);
  const compared = believed.map((reading) => ({ reading, difference: difference(page, reading, expected.limits) }));
  const [first] = compared;
  if (!first) return { verdict: 'unjudged', says: 'no reader', difference: undefined, page, reading: undefined };
  const { reading } = first;
  const judgement = { difference: first.difference, page, reading, says: saysOf(first.difference, page) };
  if (first.difference.excess <= 1) return { ...judgement, verdict: 'right' };
  if (page.warnings.length > 0) return { ...judgement, verdict: 'warned' };
  if (expected.verdict === 'warned') return { ...judgement, verdict: 'WRONG IN SILENCE' };
  const ally = compared.find(({ difference }) => difference.excess <= 1);
  if (!ally) return { ...judgement, verdict: 'WRONG IN SILENCE' };
  return { ...judgement, verdict: 'disputed', says: `${judgement.says}; ${ally.reading.reader} sees it as we do` };
}

/** The one that is furthest from right. */
export function worstOf(judgements: readonly Judgement[]): Judgement {
  const severity: readonly Verdict[] = ['right', 'unjudged', 'warned', 'disputed', 'WRONG IN SILENCE'];
  return judgements.reduce((worst, next) => {
    const more = severity.indexOf(next.verdict) - severity.indexOf(worst.verdict);
    const further = (next.difference?.excess ?? 0) - (worst.difference?.excess ?? 0);
    return more > 0 || (more === 0 && further > 0) ? next : worst;
  });
}

function saysOf({ reader, mean, block, excess }: Difference, { warnings, index }: OurPage): string {
  const place = index === 0 ? '' : `page ${index + 1}: `;
  const warned = warnings.length > 0 ? `; warned: ${warnings.join('; ')}` : '';
  if (excess === Infinity) return `${place}another size than ${reader}'s${warned}`;
  return `${place}${mean.toFixed(2)} on average, ${block.toFixed(1)} in a block from ${reader}${warned}`;
}

function difference(page: OurPage, reading: Reading, given: Partial<Limits> | undefined): Difference {
  const limits = { ...limitsOf[page.drawn ? 'drawn' : reading.exact ? 'exact' : 'still'], ...given };
  const { reader } = reading;
  const theirs = page.native ? reading : shrunk(reading, page);
  if (theirs.width !== page.width || theirs.height !== page.height) {
    return { reader, mean: 255, block: 255, excess: Infinity };
  }
  const { mean, block } = distance(page, theirs, limits.side);
  return { reader, mean, block, excess: Math.max(mean / limits.mean, block / limits.block) };
}

/** Only for pictures too large to be compared in full: by areas, which no limit takes for our own resize. */
function shrunk(picture: Rgb, { width, height }: Rgb): Rgb {
  const bytes = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const line = Math.min(picture.height - 1, Math.round(((y + 0.5) * picture.height) / height - 0.5));
    for (let x = 0; x < width; x++) {
      const place = Math.min(picture.width - 1, Math.round(((x + 0.5) * picture.width) / width - 0.5));
      const from = (line * picture.width + place) * 3;
      bytes.set(picture.bytes.subarray(from, from + 3), (y * width + x) * 3);
    }
  }
  return { width, height, bytes };
}

function distance({ width, height, bytes }: Rgb, other: Rgb, blockSide: number): { mean: number; block: number } {
  const columns = Math.ceil(width / blockSide);
  const sums = new Float64Array(columns * Math.ceil(height / blockSide) * 3);
  const counts = new Uint32Array(sums.length / 3);
  let total = 0;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const block = Math.floor(y / blockSide) * columns + Math.floor(x / blockSide);
      counts[block]!++;
      for (let channel = 0; channel < 3; channel++, at++) {
        const off = bytes[at]! - other.bytes[at]!;
        sums[block * 3 + channel]! += off;
        total += Math.abs(off);
      }
    }
  }
  let block = 0;
  for (const [index, sum] of sums.entries()) block = Math.max(block, Math.abs(sum / counts[Math.floor(index / 3)]!));
  return { mean: total / bytes.length, block };
}
