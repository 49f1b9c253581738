import { request, setKey } from './api.js';
import { askEach } from './batch.js';
import { createConversation } from './conversation.js';
import { byId, complain, save, say } from './dom.js';
import { createTray, droppedFiles } from './pictures.js';
import { readForm } from './settings.js';

const tray = createTray({ detail: () => byId('detail').value });
const conversation = createConversation({ tray });
/** What is in work, { controller, done }; undefined when nothing is. */
let running;

/** One thing at a time; Stop and Escape end it. */
async function run(work) {
  if (running) return;
  const controller = new AbortController();
  running = { controller, done: finish(work, controller.signal) };
  await running.done;
}

async function finish(work, signal) {
  complain('');
  byId('send').setAttribute('aria-disabled', 'true');
  byId('stop').hidden = false;
  try {
    await work(signal);
  } catch (thrown) {
    if (signal.aborted) say('Stopped.');
    else refused(thrown);
  } finally {
    running = undefined;
    if (document.activeElement === byId('stop')) byId('question').focus();
    byId('stop').hidden = true;
    byId('send').removeAttribute('aria-disabled');
  }
}

function stop() {
  running?.controller.abort(new Error('stopped'));
}

function refused(thrown) {
  complain(thrown.message);
  if (thrown.wantsKey) wantKey();
}

async function ask() {
  try {
    const form = readForm();
    if (form.scope === 'each') await askEach(form, { items: [...tray.items()], run });
    else await run((signal) => (form.form === 'decisions' ? conversation.decide : conversation.ask)(form, signal));
  } catch (thrown) {
    refused(thrown); // before anything was in work
  }
}

async function fresh() {
  stop();
  await running?.done; // what it has by then is of the old conversation
  conversation.clear();
  for (const image of byId('turns').querySelectorAll('img')) URL.revokeObjectURL(image.src);
  byId('turns').replaceChildren();
  byId('nothing').hidden = false;
  byId('fresh').hidden = true;
  complain('');
  say('A new conversation.');
  byId('question').focus();
}

/** What the model is called, and whether a key is needed to know. */
async function greet() {
  try {
    const { data } = await (await request('/v1/models', {})).json();
    byId('model').textContent = data[0].id;
    document.title = `${data[0].id} · pixtral`;
    return true;
  } catch (thrown) {
    if (thrown.wantsKey) wantKey();
    else complain(thrown.message);
    return false;
  }
}

function wantKey() {
  byId('key').hidden = false;
  byId('api-key').focus();
}

const labels = {
  words: ['Your question', 'Enter asks, Shift+Enter begins a new line, Escape stops.'],
  json: ['Your question', 'Name the fields that the answer is to have. Enter asks, Shift+Enter begins a new line.'],
  decisions: [
    'Your questions, one on each line',
    'Is a person visible? — kind=receipt|letter|other: What is this? — damage=1..5: How bad is it? — Ctrl+Enter asks.',
  ],
};

function showForm() {
  const form = document.querySelector('input[name=form]:checked').value;
  [byId('question-label').textContent, byId('question-hint').textContent] = labels[form];
  byId('schema-part').hidden = form !== 'json';
}

byId('ask').addEventListener('submit', (event) => {
  event.preventDefault();
  void ask();
});
byId('question').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.isComposing || event.shiftKey) return;
  const isDecisions = document.querySelector('input[name=form]:checked').value === 'decisions';
  if (isDecisions && !event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  byId('ask').requestSubmit();
});
for (const radio of document.querySelectorAll('input[name=form]')) radio.addEventListener('change', showForm);
byId('stop').addEventListener('click', stop);
byId('fresh').addEventListener('click', () => void fresh());
byId('save').addEventListener('click', () =>
  save('conversation.jsonl', conversation.transcript(), 'application/jsonl'),
);
byId('detail').addEventListener('change', () => tray.lookAgain());
byId('add').addEventListener('click', () => byId('files').click());
byId('files').addEventListener('change', ({ target }) => {
  tray.add([...target.files]);
  target.value = ''; // the same file may be chosen again
});
byId('key').addEventListener('submit', async (event) => {
  event.preventDefault();
  setKey(byId('api-key').value);
  complain('');
  byId('api-key').value = '';
  if (!(await greet())) {
    complain('The server does not take this key.');
    return;
  }
  byId('key').hidden = true;
  tray.lookAgain();
  byId('question').focus();
});

document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !byId('look').open) stop();
});
document.addEventListener('paste', (event) => {
  const files = [...event.clipboardData.files];
  if (files.length === 0) return;
  event.preventDefault();
  tray.add(files);
});
const holdsFiles = ({ dataTransfer }) => dataTransfer?.types.includes('Files');
document.addEventListener('dragover', (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  document.body.classList.add('dropping');
});
document.addEventListener('dragleave', ({ relatedTarget }) => {
  if (relatedTarget === null) document.body.classList.remove('dropping');
});
document.addEventListener('drop', async (event) => {
  document.body.classList.remove('dropping');
  if (!holdsFiles(event)) return;
  event.preventDefault();
  tray.add(await droppedFiles(event.dataTransfer));
});
window.addEventListener('beforeunload', (event) => {
  if (running) event.preventDefault();
});

showForm(); // a browser keeps what was chosen over a reload
void greet();
