import { PixtralError } from '../base/errors.ts';
import { writeExactJson } from '../base/exact-json.ts';
import type { DecisionOption, DecisionQuestion } from '../asking/decisions/question.ts';
import type { RecordQuestion } from '../asking/record-hash.ts';
import type { Source } from '../image/sources/sources.ts';
import type { Chunk, Message } from '../prompt/message.ts';
import { type Fields, asRecord, checkKnown, exactPart, optionalText, textList, wrong } from './fields.ts';
import { checkParameters } from './parameters.ts';
import { checkQuestions } from './question-text.ts';
import type { FindSources, RequestContext } from './request.ts';

/** Told elsewhere, or without effect here: letters are not shuffled, so a `seed` changes nothing. */
const withoutEffect = ['model', 'seed', 'cache_salt', 'priority', 'request_id'];
const known = [...withoutEffect, 'state', 'questions', 'instructions', 'images', 'assets', 'chat_template_kwargs'];

/**
 * The body of a request to `/v1/systemone`, as vLLM has it (`images`, a list of URLs) and as TypeSafe has it (`assets`,
 * pictures by the words that stand for them in the state).
 */
export async function systemOneRequest(
  fields: Fields,
  { defaults: { options, detail }, template, sources, strict }: RequestContext,
): Promise<RecordQuestion> {
  checkSupported(fields, strict);
  const questions = readQuestions(fields);
  checkQuestions(questions);
  const content = [...(await readImages(fields, sources)), ...(await readState(fields, sources))];
  if (content.length === 0) throw wrong(`${fields.where}: state`, fields.record['state'], 'a text, JSON or images');
  const messages: Message<Source>[] = [{ role: 'user', content }];
  const system = optionalText(fields, 'instructions');
  if (system !== undefined) messages.unshift({ role: 'system', content: [{ kind: 'text', text: system }] });
  return { messages, options, detail, decisions: { questions, orders: 1, labels: 'words', template } };
}

function checkSupported({ where, record }: Fields, strict: boolean): void {
  const { audio, videos, ...others } = record;
  for (const [name, value] of Object.entries({ audio, videos })) {
    const isEmpty = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
    if (!isEmpty) throw new PixtralError('input', `${where}: ${name}: the model takes none, expected pictures`);
  }
  checkParameters({ where, record: others }, { known, strict });
  const words = record['chat_template_kwargs'] ?? {};
  const given = asRecord(words, `${where}: chat_template_kwargs`);
  checkKnown({ where: `${where}: chat_template_kwargs`, record: given }, ['enable_thinking']);
  if ((given['enable_thinking'] ?? false) !== false) {
    throw wrong(`${where}: chat_template_kwargs.enable_thinking`, given['enable_thinking'], 'false');
  }
}

/** Before the state, as vLLM has them. */
async function readImages({ where, record }: Fields, sources: FindSources): Promise<Chunk<Source>[]> {
  const named = record['images'] ?? undefined;
  const chunks: Chunk<Source>[] = [];
  for (const url of named === undefined ? [] : textList(named, `${where}: images`)) {
    for (const image of await sources(url, `${where}: images`)) chunks.push({ kind: 'image', image });
  }
  return chunks;
}

/** A text, or JSON as text, with pictures in place of the words that stand for them. */
async function readState(fields: Fields, sources: FindSources): Promise<Chunk<Source>[]> {
  const { where, record } = fields;
  const assets = readAssets(fields);
  const text = stateText(fields);
  const asked = JSON.stringify(record['questions']);
  for (const word of assets.keys()) {
    if (asked.includes(JSON.stringify(word).slice(1, -1))) {
      throw new PixtralError('input', `${where}: assets: ${word} stands in a question, expected it in the state alone`);
    }
    if (!text.includes(word)) throw new PixtralError('input', `${where}: assets: ${word} stands nowhere in the state`);
  }
  const chunks: Chunk<Source>[] = [];
  const parts = partsAround(text, [...assets.keys()]);
  const pictures = parts.filter((part) => assets.has(part)).length;
  if (pictures > mostPictures) throw tooMany(`${where}: state`, pictures);
  for (const part of parts) {
    const url = assets.get(part);
    if (url === undefined) chunks.push({ kind: 'text', text: part });
    else for (const image of await sources(url, `${where}: assets.${part}`)) chunks.push({ kind: 'image', image });
  }
  // The question follows in a paragraph of its own.
  if (chunks.some(({ kind }) => kind === 'text')) chunks.push({ kind: 'text', text: '\n\n' });
  return chunks;
}

/** JSON as it was written: its numbers may have more digits than ours. */
function stateText(fields: Fields): string {
  const state = fields.record['state'] ?? undefined;
  if (state === undefined || typeof state === 'string') return state ?? '';
  return writeExactJson(exactPart(fields, ['state'])!);
}

/** URLs by the words that stand for them. */
function readAssets({ where, record }: Fields): Map<string, string> {
  const assets = new Map<string, string>();
  const given = Object.entries(asRecord(record['assets'] ?? {}, `${where}: assets`));
  if (given.length > mostPictures) throw tooMany(`${where}: assets`, given.length);
  for (const [word, value] of given) {
    const place = `${where}: assets.${word}`;
    const { type = 'image', format, data_base64: base64, ...others } = asRecord(value, place);
    checkKnown({ where: place, record: others }, []);
    if (word.trim() === '') throw wrong(`${where}: assets`, word, 'words that stand for pictures');
    if (type !== 'image') throw wrong(`${place}: type`, type, '"image"');
    if (typeof base64 !== 'string') throw wrong(`${place}: data_base64`, base64, 'a picture in base64');
    assets.set(word, `data:image/${typeof format === 'string' ? format : 'png'};base64,${base64}`);
  }
  return assets;
}

/** More could only be meant to keep a server busy: Pixtral's context has no room for them. */
const mostPictures = 128;

function tooMany(where: string, pictures: number): PixtralError {
  return new PixtralError('input', `${where}: has ${pictures} pictures, expected at most ${mostPictures}`);
}

/** A text cut before and behind each of the words; the longest that stands at a place wins. */
function partsAround(text: string, words: readonly string[]): string[] {
  if (words.length === 0) return text === '' ? [] : [text];
  const longestFirst = words.toSorted((a, b) => b.length - a.length).map(escaped);
  return text.split(new RegExp(`(${longestFirst.join('|')})`)).filter((part) => part !== '');
}

function escaped(word: string): string {
  return word.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

function readQuestions({ where, record }: Fields): DecisionQuestion[] {
  const questions = Object.entries(asRecord(record['questions'], `${where}: questions`));
  if (questions.length === 0) throw wrong(`${where}: questions`, record['questions'], 'a question or more');
  return questions.map(([name, value]) => {
    const place = `${where}: questions.${name}`;
    if (name === '') throw wrong(`${where}: questions`, name, 'ids that are not empty');
    const { type, instructions, criteria, ...others } = asRecord(value, place);
    checkKnown({ where: place, record: others }, []);
    const kind = typeof type === 'string' && Object.hasOwn(kinds, type) ? kinds[type as keyof typeof kinds] : undefined;
    if (!kind) throw wrong(`${place}: type`, type, Object.keys(kinds).join(', '));
    const asked = instructions === undefined || instructions === null ? '' : wordsOf(instructions).trim();
    return { name, ...kind(criteria ?? undefined, { asked, where: `${place}: criteria` }) };
  });
}

type Unnamed<T> = T extends unknown ? Omit<T, 'name'> : never;
type ReadKind = (criteria: unknown, place: { asked: string; where: string }) => Unnamed<DecisionQuestion>;

const kinds = { noul: readNoul, choice: readChoice, score: readScore } satisfies Record<string, ReadKind>;

/** Yes or no; what counts as each may be said. */
function readNoul(criteria: unknown, { asked, where }: { asked: string; where: string }): Unnamed<DecisionQuestion> {
  const sides = asRecord(criteria ?? {}, where);
  checkKnown({ where, record: sides }, ['true', 'false']);
  const said: [string, unknown][] = [
    ['yes', sides['true']],
    ['no', sides['false']],
  ];
  const meanings = said.flatMap(([side, meaning]) =>
    meaning === undefined || meaning === null ? [] : `${side}: ${wordsOf(meaning)}`,
  );
  const instructions = [asked, ...meanings].filter((line) => line !== '').join('\n');
  if (instructions === '') throw wrong(where, criteria, 'what counts as true or false, or instructions');
  return { type: 'predicate', instructions };
}

/** Names with what they mean, or null. */
function readChoice(criteria: unknown, { asked, where }: { asked: string; where: string }): Unnamed<DecisionQuestion> {
  const options = Object.entries(asRecord(criteria, where)).map(([value, meaning]): DecisionOption => {
    if (value.trim() === '') throw wrong(where, value, 'names that are not empty');
    return { value, ...(meaning !== null && { description: wordsOf(meaning) }) };
  });
  return { type: 'choice', instructions: asked, options };
}

/** A level is asked for by its words where they are few, else by its number, which is what the answer counts by. */
function readScore(criteria: unknown, { asked, where }: { asked: string; where: string }): Unnamed<DecisionQuestion> {
  if (!Array.isArray(criteria)) throw wrong(where, criteria, 'a list of levels, the least first');
  const words = (criteria as unknown[]).map(wordsOf);
  if (words.some((level) => level.trim() === '')) throw wrong(where, criteria, 'levels that are not empty');
  const areShort = words.every((level) => level.length <= shortLevel && !level.includes('\n'));
  const levels =
    areShort && new Set(words).size === words.length
      ? words.map((value): DecisionOption => ({ value }))
      : words.map((description, level): DecisionOption => ({ value: String(level), description }));
  return { type: 'score', instructions: asked, levels };
}

/** Characters of a level that a model says in full rather than by its number. */
const shortLevel = 24;

function wordsOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
