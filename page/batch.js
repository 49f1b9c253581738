import { decidedWords, writtenAnswer } from './answers.js';
import { request } from './api.js';
import { count, element, save, say } from './dom.js';
import { showTurn } from './conversation.js';
import { namedIn, urlOf } from './pictures.js';
import { csv, jsonLines } from './results.js';
import { chatBody, decisionBody, userMessage } from './settings.js';

/** So that the server always has the next one; it computes as many at once as fit. */
const mostAtOnce = 4;

/**
 * Asks the same about each file by itself; the files stay beside the question. What is wrong with one costs that one
 * only.
 * @throws Error
 */
export async function askEach(form, { items, run }) {
  if (items.length === 0) throw new Error('There are no files to ask about.');
  if (form.form === 'decisions' ? form.questions.length === 0 : form.question === '')
    throw new Error('There is nothing to ask: expected a question.');
  const table = resultTable(items);
  const shown = showTurn(form.question, []);
  const records = new Map();
  const again = element('button', { type: 'button', hidden: true }, 'Ask about the others again');
  const download = (label, name, write, type) => {
    const button = element('button', { type: 'button' }, label);
    button.addEventListener('click', () => save(name, write(items.flatMap((item) => records.get(item) ?? [])), type));
    return button;
  };
  shown.answer.append(
    table.progress,
    element(
      'div',
      { className: 'buttons' },
      download('Download JSONL', 'answers.jsonl', jsonLines, 'application/jsonl'),
      download('Download CSV', 'answers.csv', csv, 'text/csv'),
      again,
    ),
    element(
      'div',
      { className: 'wide', tabIndex: 0, role: 'region', 'aria-label': 'Answers of the batch' },
      table.table,
    ),
  );

  async function answer(signal) {
    const waiting = items.filter((item) => !records.has(item) || records.get(item).error);
    again.hidden = true;
    const one = async () => {
      for (let item = waiting.shift(); item && !signal.aborted; item = waiting.shift()) {
        table.show(item, { state: 'is asked …' });
        const record = await recordOf(item, { form, signal });
        if (record) records.set(item, record);
        table.show(item, record ? { record, form: form.form } : { state: 'not asked' });
        table.count(records.size);
      }
    };
    await Promise.all(Array.from({ length: mostAtOnce }, one));
    for (const item of waiting) table.show(item, { state: 'not asked' });
    const failed = [...records.values()].filter(({ error }) => error).length;
    const text = `${count(records.size, 'file')} of ${items.length} answered${failed === 0 ? '' : `, ${failed} of them with an error`}${signal.aborted ? '; stopped' : ''}.`;
    again.hidden = failed === 0 && records.size === items.length;
    shown.end(text);
    say(text);
  }

  again.addEventListener('click', () => run(answer));
  await run(answer);
}

/** undefined when it was stopped. */
async function recordOf(item, { form, signal }) {
  try {
    return { id: item.name, ...(await answerOf(form, { url: await urlOf(item), signal })) };
  } catch (thrown) {
    if (signal.aborted) return undefined;
    return { id: item.name, error: { message: namedIn(thrown.message, [item]) } };
  }
}

async function answerOf(form, { url, signal }) {
  if (form.form === 'decisions') {
    const response = await request('/v1/decisions', { body: decisionBody(form, [url]), signal });
    const { model, answers, usage } = await response.json();
    return { model, answers, usage: { prompt: usage.input_tokens } };
  }
  const body = chatBody(form, [userMessage([url], form.question)]);
  const response = await request('/v1/chat/completions', { body, signal });
  const { model, choices, usage, pixtral } = await response.json();
  const [{ message, finish_reason: finish }] = choices;
  return {
    model,
    text: message.content,
    ...(form.form === 'json' && { data: JSON.parse(message.content) }),
    finish,
    images: pixtral.images.map((image) => ({ ...image, source: undefined })), // a part of the data: URI
    usage: { prompt: usage.prompt_tokens, completion: usage.completion_tokens },
  };
}

function resultTable(items) {
  const cells = new Map(items.map((item) => [item, element('td', {}, 'waits')]));
  const progress = element('progress', { max: items.length, value: 0, 'aria-label': 'Files answered' });
  const rows = items.map((item) => element('tr', {}, element('th', { scope: 'row' }, item.name), cells.get(item)));
  const head = ['File', 'Answer'].map((text) => element('th', { scope: 'col' }, text));
  const table = element(
    'table',
    { className: 'results' },
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...rows),
  );
  return {
    table,
    progress,
    count(done) {
      progress.value = done;
    },
    show(item, { state, record, form }) {
      const cell = cells.get(item);
      cell.textContent = state ?? wordsOf(record, form);
      cell.classList.toggle('refused', record?.error !== undefined);
    },
  };
}

function wordsOf({ error, answers, text }, form) {
  if (error) return error.message;
  return answers ? decidedWords(answers) : writtenAnswer(text, form);
}
