import { byId } from './dom.js';

const checked = (name) => document.querySelector(`input[name=${name}]:checked`).value;
const number = (id) => (byId(id).value === '' ? undefined : Number(byId(id).value));

/** What the form says now. @throws Error for a schema or questions that are no JSON though they begin so */
export function readForm() {
  const form = checked('form');
  const question = byId('question').value.trim();
  return {
    form,
    scope: checked('scope'),
    question,
    system: byId('system').value.trim(),
    detail: byId('detail').value,
    questions: form === 'decisions' ? readQuestions(question) : [],
    sampling: {
      temperature: number('temperature'),
      max_tokens: number('max-tokens'),
      ...(form === 'json' && { response_format: readSchema(byId('schema').value.trim()) }),
      ...(form === 'json' && byId('tell-schema').checked && { tell_schema: true }),
    },
  };
}

/** One a line, or JSON as OpenAI's Decisions API has it. */
function readQuestions(text) {
  if (text.startsWith('[')) return parse(text, 'The questions');
  return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
}

/** A short form is the server's to read. */
function readSchema(text) {
  if (text === '') return { type: 'json_object' };
  const schema = text.startsWith('{') ? parse(text, 'The schema') : text;
  return { type: 'json_schema', json_schema: { name: 'answer', schema } };
}

function parse(text, what) {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new Error(`${what} cannot be read as JSON: ${thrown.message}`, { cause: thrown });
  }
}

/** For chat completions: earlier messages, and the question behind its pictures. */
export function chatBody({ system, detail, sampling }, messages) {
  const told = system === '' ? messages : [{ role: 'system', content: system }, ...messages];
  return { messages: detail === '' ? told : told.map((message) => withDetail(message, detail)), ...sampling };
}

function withDetail({ role, content }, detail) {
  if (!Array.isArray(content)) return { role, content };
  const parts = content.map((part) =>
    part.type === 'image_url' ? { ...part, image_url: { ...part.image_url, detail } } : part,
  );
  return { role, content: parts };
}

export function userMessage(urls, text) {
  const pictures = urls.map((url) => ({ type: 'image_url', image_url: { url } }));
  return { role: 'user', content: text === '' ? pictures : [...pictures, { type: 'text', text }] };
}

export function decisionBody({ system, detail, questions }, urls) {
  const pictures = urls.map((url) => ({ type: 'input_image', image_url: url, ...(detail !== '' && { detail }) }));
  const user = { role: 'user', content: pictures };
  return { questions, input: system === '' ? [user] : [{ role: 'system', content: system }, user] };
}
