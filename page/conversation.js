import { decidedAnswer, decidedWords, writtenAnswer } from './answers.js';
import { events, request } from './api.js';
import { byId, count, element, say } from './dom.js';
import { look } from './look.js';
import { namedIn, urlOf } from './pictures.js';
import { chatBody, decisionBody, userMessage } from './settings.js';

/** Turns of one conversation: each request brings all of them, since a server keeps nothing of it. */
export function createConversation({ tray }) {
  /** [{ question: message, answer: text, interrupted, sha256: [], body }] */
  let turns = [];

  /** Streams an answer; pictures and question go from the form into the turn once there is one. @throws Error */
  async function ask(form, signal) {
    const items = [...tray.items()];
    if (items.length === 0 && form.question === '') throw new Error('There is nothing to ask: expected a question.');
    const urls = await Promise.all(items.map(urlOf));
    const question = userMessage(urls, form.question);
    const earlier = turns.flatMap((turn) => [turn.question, { role: 'assistant', content: turn.answer }]);
    const body = chatBody(form, [...earlier, question]);
    const shown = showTurn(form.question, items);
    const written = document.createTextNode('');
    const thoughts = element('pre', {});
    shown.answer.append(written);
    const started = performance.now();
    const ending = { started };
    try {
      const response = await request('/v1/chat/completions', {
        body: { ...body, stream: true, stream_options: { include_usage: true } },
        signal,
      });
      for await (const { choices, usage } of events(response)) {
        const { content, reasoning_content: thought } = choices[0]?.delta ?? {};
        if (thought && thoughts.textContent === '')
          shown.answer.before(element('details', {}, element('summary', {}, 'Thoughts'), thoughts));
        if (thought) thoughts.append(thought);
        written.appendData(content ?? '');
        if (usage) ending.usage = usage;
        if (choices[0]?.finish_reason) ending.choice = choices[0];
      }
    } catch (thrown) {
      if (!signal.aborted || written.data === '') {
        shown.remove();
        throw signal.aborted ? thrown : Object.assign(thrown, { message: namedIn(thrown.message, items) });
      }
    }
    const answer = written.data;
    written.data = writtenAnswer(answer, form.form);
    const interrupted = signal.aborted;
    const sha256 = items.map(({ images }) => images?.[0].sha256 ?? '');
    turns.push({ question, answer, interrupted, sha256, body });
    shown.end(interrupted ? 'Stopped.' : factsOf(ending));
    say(interrupted ? 'Stopped.' : `Answer: ${answer}`);
    if (byId('question').value.trim() === form.question) byId('question').value = ''; // not what was typed meanwhile
    tray.take(items);
    byId('save').hidden = false;
  }

  /** About the pictures beside the question, which stay there; where there are none, about those of the conversation. @throws Error */
  async function decide(form, signal) {
    const items = [...tray.items()];
    if (form.questions.length === 0) throw new Error('There is nothing to decide: expected a question on each line.');
    const urls = items.length > 0 ? await Promise.all(items.map(urlOf)) : turns.flatMap(urlsOf);
    if (urls.length === 0) throw new Error('There is nothing to decide about: expected a picture.');
    const shown = showTurn(form.question, items);
    const started = performance.now();
    try {
      const response = await request('/v1/decisions', { body: decisionBody(form, urls), signal });
      const { answers, usage } = await response.json();
      shown.answer.append(...decidedAnswer(answers, form.questions));
      shown.end(factsOf({ usage: { prompt_tokens: usage.input_tokens }, started }));
      say(`Answer: ${decidedWords(answers)}`);
    } catch (thrown) {
      shown.remove();
      throw signal.aborted ? thrown : Object.assign(thrown, { message: namedIn(thrown.message, items) });
    }
  }

  /** As `pixtral chat` saves it, and `ask --messages` and `batch --records` read it. */
  function transcript() {
    const last = turns.at(-1);
    const interrupted = turns.flatMap((turn, index) => (turn.interrupted ? [index + 1] : []));
    const chat = { version: 1, answer: last.answer, interrupted, sha256: turns.flatMap((turn) => turn.sha256) };
    return `${JSON.stringify({ custom_id: 'chat', method: 'POST', url: '/v1/chat/completions', body: last.body, chat })}\n`;
  }

  return {
    ask,
    decide,
    transcript,
    clear() {
      turns = [];
      byId('save').hidden = true;
    },
  };
}

function urlsOf({ question }) {
  return question.content.flatMap((part) => (part.type === 'image_url' ? [part.image_url.url] : []));
}

/** A line of the conversation whose answer is yet to come. */
export function showTurn(question, items) {
  const answer = element('div', { className: 'answer', 'aria-busy': 'true' });
  const facts = element('p', { className: 'hint' }, 'Answering …');
  const line = element(
    'li',
    {},
    element(
      'article',
      { 'aria-label': `Turn ${byId('turns').children.length + 1}` },
      element('div', { className: 'asked' }, ...thumbs(items), element('p', {}, question)),
      answer,
      facts,
    ),
  );
  byId('turns').append(line);
  byId('nothing').hidden = true;
  byId('fresh').hidden = false;
  line.scrollIntoView({ block: 'nearest' });
  say('Answering.');
  return {
    answer,
    /** Nothing came of it. */
    remove() {
      line.remove();
      const isEmpty = byId('turns').children.length === 0;
      byId('nothing').hidden = !isEmpty;
      byId('fresh').hidden = isEmpty;
    },
    end(text) {
      facts.textContent = text;
      answer.setAttribute('aria-busy', 'false');
      line.scrollIntoView({ block: 'nearest' });
    },
  };
}

const mostThumbs = 8;

function thumbs(items) {
  const shown = items.slice(0, mostThumbs).map(({ name, images }) => {
    if (!images) return element('span', { className: 'file' }, name);
    const image = element('img', { alt: '', src: URL.createObjectURL(images[0].blob) });
    const button = element('button', { type: 'button', className: 'thumb', title: name }, image);
    button.setAttribute('aria-label', `See ${name} as the model sees it`);
    button.addEventListener('click', () => look(name, images));
    return button;
  });
  const others = items.length - shown.length;
  return others === 0 ? shown : [...shown, element('span', { className: 'file' }, `and ${count(others, 'other')}`)];
}

function factsOf({ usage, choice, started }) {
  const seconds = `${((performance.now() - started) / 1000).toFixed(1)} s`;
  const tokens = [
    ...(usage ? [`${count(usage.prompt_tokens, 'token')} asked`] : []),
    ...(usage?.completion_tokens === undefined ? [] : [`${usage.completion_tokens.toLocaleString('en')} answered`]),
  ];
  const notes =
    choice?.pixtral?.finish === 'loop'
      ? ['The answer went round in circles and was ended.']
      : choice?.finish_reason === 'length'
        ? ['Cut: it has as many tokens as an answer may have.']
        : [];
  return [...notes, [...tokens, seconds].join(', ')].join(' ');
}
