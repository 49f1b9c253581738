/**
 * Every file of a folder as we show it, against the best independent reader of its kind, outside CI:
 *
 *   npm run compare:pictures -- <folder> [--python <python>] [--out <folder>] [--pages 3] [--only <part of a name>] [--all] [--alarms]
 *
 * The Python (or PYTHON) needs numpy and pillow, and for more kinds pillow-heif, pillow-jxl-plugin, tifffile, imagecodecs,
 * pymupdf; besides it pdftoppm, mutool, chromium, rsvg-convert, exiftool, ffmpeg, gs and ImageMagick are asked where they
 * are installed. An `expected.json` in the folder may say what a file's maker knows better: see Expectation in judge.ts.
 *
 * Prints what is not right (all with --all), what is right with a warning (with --alarms), a table of verdicts by kind, and writes results.json and worst.png, the
 * twenty worst side by side. Exit code 1 when a file is wrong in silence or has failed.
 */
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { type Pair, writeContactSheet } from './contact-sheet.ts';
import { type Expectation, type Judgement, type Verdict, judgePage, judgeRefusal, verdicts, worstOf } from './judge.ts';
import { type Ours, ours } from './ours.ts';
import { type Reading, Reference, checkPython } from './reference.ts';

interface Result {
  name: string;
  kind: string;
  verdict: Verdict;
  says: string;
  excess: number;
  pair: Pair;
  /** Of all pages compared; on one that is right they are false alarms, unless they tell of something else. */
  warnings: readonly string[];
}

/** Pictures on the sheet. */
const sheetLength = 20;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string', default: process.env['PYTHON'] ?? 'python3' },
    out: { type: 'string' },
    pages: { type: 'string', default: '3' },
    only: { type: 'string' },
    all: { type: 'boolean', default: false },
    alarms: { type: 'boolean', default: false },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('usage: npm run compare:pictures -- <folder> [--python <python>]');
await checkPython(flags.python);
const out = flags.out ?? (await mkdtemp(join(tmpdir(), 'pixtral-compare-')));
await mkdir(out, { recursive: true });
const scratch = await mkdtemp(join(tmpdir(), 'pixtral-readings-'));
const reference = new Reference({ python: flags.python, scratch });
const results: Result[] = [];
try {
  for (const path of await filesOf(folder)) {
    const result = await compare(path);
    results.push({ ...result, pair: small(result, results) });
    if (flags.all || result.verdict !== 'right')
      console.log(`${result.verdict.padEnd(18)} ${result.name}: ${result.says}`);
  }
  await report();
} finally {
  reference.close();
  await rm(scratch, { recursive: true, force: true });
}

async function filesOf(top: string): Promise<string[]> {
  const entries = await readdir(top, { recursive: true, withFileTypes: true });
  const references = new Set<string>();
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.filter((path) => basename(path) === 'expected.json')) {
    const expected = JSON.parse(await readFile(file, 'utf8')) as Record<string, Expectation>;
    for (const { reference, references: pages = [] } of Object.values(expected))
      for (const path of [reference ?? '', ...pages]) references.add(join(dirname(file), path));
  }
  return files
    .filter((path) => !references.has(path) && !/\.(json|py|sh|txt|md)$/.test(path))
    .filter((path) => relative(top, path).includes(flags.only ?? ''))
    .sort();
}

async function expectationOf(path: string): Promise<Expectation> {
  const text = await readFile(join(dirname(path), 'expected.json'), 'utf8').catch(() => '{}');
  const expected = JSON.parse(text) as Record<string, Expectation>;
  return expected[basename(path)] ?? expected['*'] ?? {};
}

async function compare(path: string): Promise<Result> {
  const expected = await expectationOf(path);
  const mine = await ours(path, { maxPages: Number(flags.pages) });
  const { kind, judgement } = await judged(path, { mine, expected });
  const warnings = mine.kind === 'shown' ? [...new Set(mine.pages.flatMap((page) => page.warnings))] : [];
  const name = relative(folder!, path);
  const { verdict, says, difference, page, reading } = judgement;
  const excess = difference?.excess ?? (verdict === 'right' || verdict === 'refused truthfully' ? 0 : Infinity);
  return {
    name,
    kind,
    verdict,
    says,
    excess,
    warnings,
    pair: { title: name, says, ours: page, theirs: reading },
  };
}

async function judged(
  path: string,
  { mine, expected }: { mine: Ours; expected: Expectation },
): Promise<{ kind: string; judgement: Judgement }> {
  if (mine.kind !== 'shown') {
    const readings = await reference.read({ path, page: 0, size: null });
    return { kind: readings.kind, judgement: judgeRefusal(mine, { readings, expected }) };
  }
  let kind = '';
  const judgements: Judgement[] = [];
  for (const page of mine.pages) {
    const size: [number, number] = [page.width, page.height];
    const answer = await reference.read({ path, page: page.index, size });
    kind = answer.kind;
    const known = await knownReading(path, { expected, index: page.index });
    const judgement = judgePage(page, { readings: known ? [known] : answer.readings, expected });
    judgements.push(judgement.verdict === 'unjudged' ? { ...judgement, says: answer.errors.join('; ') } : judgement);
    const pages = answer.readings[0]?.pages;
    if (
      page.index === 0 &&
      pages !== undefined &&
      pages !== mine.pageCount &&
      expected.reader === undefined &&
      !known
    ) {
      const says = `${mine.pageCount} pages, of ${answer.readings[0]!.reader} ${pages}`;
      judgements.push({ ...judgement, verdict: page.warnings.length > 0 ? 'warned' : 'disputed', says });
    }
  }
  const worst = worstOf(judgements);
  const isShown = expected.verdict === 'refused';
  return {
    kind,
    judgement: isShown ? { ...worst, verdict: 'WRONG IN SILENCE', says: `is shown; ${worst.says}` } : worst,
  };
}

/** What the file's maker says it is. */
async function knownReading(
  path: string,
  { expected, index }: { expected: Expectation; index: number },
): Promise<Reading | undefined> {
  const png = expected.references?.[index] ?? (index === 0 ? expected.reference : undefined);
  if (png === undefined) return undefined;
  const { readings } = await reference.read({ path: join(dirname(path), png), page: 0, size: null });
  const [reading] = readings;
  if (!reading) throw new Error(`${png}: cannot be read, expected the right pixels of ${path}`);
  return { ...reading, reader: basename(png), exact: false, pages: undefined };
}

/** Pixels are kept of those that may still come onto the sheet. */
function small({ verdict, excess, pair }: Result, before: readonly Result[]): Pair {
  const worse = before.filter((other) => other.excess >= excess).length;
  return verdict === 'right' || worse >= sheetLength * 2 ? { ...pair, ours: undefined, theirs: undefined } : pair;
}

/** What hurts most first. */
function rank({ verdict }: Result): number {
  const order: readonly Verdict[] = ['WRONG IN SILENCE', 'failed', 'disputed', 'refused wrongly', 'warned'];
  return order.includes(verdict) ? order.indexOf(verdict) : order.length;
}

async function report(): Promise<void> {
  const worst = results
    .filter(({ pair }) => pair.ours ?? pair.theirs)
    .sort((a, b) => rank(a) - rank(b) || b.excess - a.excess)
    .slice(0, sheetLength);
  await writeContactSheet(
    join(out, 'worst.png'),
    worst.map(({ pair, verdict }) => ({ ...pair, title: `${verdict}: ${pair.title}` })),
  );
  const lines = results.map((result) => {
    const { pair: _, ...line } = result;
    return line;
  });
  await writeFile(join(out, 'results.json'), JSON.stringify(lines, undefined, 1));
  const kinds = [...new Set(results.map(({ kind }) => kind))].sort();
  const count = (verdict: Verdict, kind?: string): number =>
    results.filter((result) => result.verdict === verdict && (kind === undefined || result.kind === kind)).length;
  const columns = verdicts.filter((verdict) => count(verdict) > 0);
  console.log(`\n${['kind', ...columns].map((title) => title.padStart(20)).join('')}`);
  for (const kind of [...kinds, undefined]) {
    const counts = columns.map((verdict) => String(count(verdict, kind)).padStart(20));
    console.log(`${(kind ?? `all ${results.length}`).padStart(20)}${counts.join('')}`);
  }
  const shares = columns.map((verdict) => ((100 * count(verdict)) / results.length).toFixed(2).padStart(20));
  console.log(`${'percent'.padStart(20)}${shares.join('')}`);
  const alarms = results.filter(({ verdict, warnings }) => verdict === 'right' && warnings.length > 0);
  console.log(`\nright, yet with a warning: ${alarms.length}`);
  if (flags.alarms) for (const { name, warnings } of alarms) console.log(`${name}: ${warnings.join('; ')}`);
  console.log(`\n${join(out, 'results.json')}\n${join(out, 'worst.png')}`);
  process.exitCode = count('WRONG IN SILENCE') + count('failed') > 0 ? 1 : 0;
}
