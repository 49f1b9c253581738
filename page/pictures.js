import { request } from './api.js';
import { byId, complain, count, element, say } from './dom.js';
import { look } from './look.js';

/** So many are looked at without being asked to: a batch of thousands is to be answered, not shown. */
const mostShown = 24;
const mostAtOnce = 2;

/** Files that the next question is about. `detail` tells how they are to be seen. */
export function createTray({ detail }) {
  /** [{ name, file, pages, images, problem, row, leaving }] */
  let items = [];
  let looking = 0;

  function add(files) {
    const used = new Set(items.map(({ name }) => name));
    for (const file of files) {
      const item = { name: unusedName(file.name, used), file, pages: '', leaving: new AbortController() };
      used.add(item.name);
      item.row = rowOf(item);
      items.push(item);
      byId('tray').append(item.row.line);
      show(item);
    }
    say(`${count(items.length, 'file')} beside the question.`);
    update();
    lookAtNext();
  }

  function remove(item) {
    const place = items.indexOf(item);
    drop(item);
    items = items.filter((one) => one !== item);
    (items[place] ?? items.at(-1))?.row.remove.focus();
    if (items.length === 0) byId('add').focus();
    say(`${item.name} is removed.`);
    update();
    lookAtNext();
  }

  /** They are in a turn now; what was added meanwhile stays. */
  function take(taken) {
    for (const item of taken) drop(item);
    items = items.filter((item) => !taken.includes(item));
    update();
    lookAtNext();
  }

  function drop({ leaving, row }) {
    leaving.abort(new Error('removed'));
    URL.revokeObjectURL(row.image.src);
    row.line.remove();
  }

  function lookAtNext() {
    while (looking < mostAtOnce) {
      const next = items.slice(0, mostShown).find(({ state }) => state === undefined);
      if (!next) return;
      void lookAt(next);
    }
  }

  async function lookAt(item) {
    item.leaving.abort(new Error('looked at anew'));
    const { signal } = (item.leaving = new AbortController());
    Object.assign(item, { state: 'looking', images: undefined, problem: undefined });
    show(item);
    looking++;
    try {
      const body = { images: [await urlOf(item)], ...(detail() !== '' && { detail: detail() }) };
      const answer = await (await request('/v1/pixtral/see', { body, signal })).json();
      signal.throwIfAborted();
      item.images = answer.images.map(({ png, ...image }) => ({ ...image, side: answer.token_side, blob: pngOf(png) }));
      item.state = 'seen';
    } catch (thrown) {
      if (signal.aborted) return;
      item.problem = namedIn(thrown.message, [item]);
      item.state = 'refused';
    } finally {
      looking--;
      lookAtNext();
    }
    show(item);
    update();
  }

  function rowOf(item) {
    const image = element('img', { alt: '' });
    const see = element('button', { type: 'button', className: 'thumb' }, image);
    const facts = element('span', { className: 'hint' });
    const input = element('input', { size: 6, placeholder: 'all', 'aria-label': `Pages of ${item.name}` });
    const pages = element('label', { className: 'pages', hidden: true }, 'pages ', input);
    const label = `Remove ${item.name}`;
    const removal = element('button', { type: 'button', 'aria-label': label, title: label }, '×');
    const line = element(
      'li',
      {},
      see,
      element('div', { className: 'facts' }, element('b', {}, item.name), facts, pages),
      removal,
    );
    see.addEventListener('click', () => (item.images ? look(item.name, item.images) : void lookAt(item)));
    removal.addEventListener('click', () => remove(item));
    input.addEventListener('change', () => {
      item.pages = input.value.replaceAll(' ', '');
      void lookAt(item);
    });
    return { line, see, image, facts, pages, remove: removal };
  }

  function show({ name, file, images, state, problem, row }) {
    URL.revokeObjectURL(row.image.src);
    if (images) row.image.src = URL.createObjectURL(images[0].blob);
    else row.image.removeAttribute('src');
    row.see.setAttribute('aria-label', images ? `See ${name} as the model sees it` : `Look at ${name}`);
    row.line.classList.toggle('refused', state === 'refused');
    row.facts.textContent = problem ?? (images ? factsOf(images) : state === 'looking' ? 'is read …' : 'not looked at');
    const isDocument = /\.(pdf|tiff?)$/i.test(name) || file.type === 'application/pdf';
    row.pages.hidden = !isDocument && !images?.some(({ page }) => page !== undefined);
  }

  function update() {
    const images = items.flatMap((item) => item.images ?? []);
    const tokens = images.reduce((sum, image) => sum + image.tokens, 0);
    const areSeen = items.every(({ state }) => state === 'seen');
    byId('tray-facts').textContent =
      items.length === 0
        ? 'None yet.'
        : `${count(items.length, 'file')}, ${count(tokens, 'token')}${areSeen ? '' : ' of those seen'}.`;
    byId('clear').hidden = items.length === 0;
  }

  byId('clear').addEventListener('click', () => {
    take(items);
    byId('add').focus();
    say('All files are removed.');
  });

  return {
    add,
    take,
    items: () => items,
    /** How pictures are seen has changed. */
    lookAgain() {
      for (const item of items) {
        item.leaving.abort(new Error('looked at anew'));
        Object.assign(item, { state: undefined, images: undefined, problem: undefined });
        show(item);
      }
      lookAtNext();
    },
  };
}

/** A file as a data: URI, with its pages behind it. @throws Error for what cannot be read */
export async function urlOf({ name, file, pages }) {
  if (file.size === 0) throw new Error(`${name}: is empty.`);
  const url = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('load', () => resolve(reader.result));
    reader.addEventListener('error', () => reject(new Error(`${name}: cannot be read: ${reader.error.message}`)));
    reader.readAsDataURL(file);
  });
  return pages === '' ? url : `${url}#${pages}`;
}

/** A message of the server, which knows a picture by the beginning of its data only. */
export function namedIn(message, items) {
  return message.replace(/^data:\S*(?=: )/, items.length === 1 ? items[0].name : 'One of the pictures');
}

function factsOf(images) {
  const tokens = images.reduce((sum, image) => sum + image.tokens, 0);
  const [{ seen }] = images;
  const what = images.length === 1 ? `${seen[0]} × ${seen[1]}` : count(images.length, 'picture');
  const warnings = images.reduce((sum, image) => sum + (image.warnings?.length ?? 0), 0);
  return `${what}, ${count(tokens, 'token')}${warnings === 0 ? '' : `, ${count(warnings, 'warning')}`}`;
}

function pngOf(base64) {
  return new Blob([Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0))], { type: 'image/png' });
}

/** Browsers call all that is pasted image.png. */
function unusedName(name, used) {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name} (${number})`;
    if (!used.has(candidate)) return candidate;
  }
}

/** What was dropped, with the files in folders. */
export async function droppedFiles({ items, files }) {
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  const isPlain = entries.every((entry) => entry.isFile);
  if (isPlain) return [...files];
  try {
    return (await Promise.all(entries.map(filesIn))).flat();
  } catch (thrown) {
    complain(`A folder cannot be read: ${thrown.message}`);
    return [];
  }
}

async function filesIn(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => void entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => void reader.readEntries(resolve, reject)); // a hundred at most
    if (some.length === 0) break;
    for (const one of some) if (!one.name.startsWith('.')) found.push(...(await filesIn(one)));
  }
  return found;
}
