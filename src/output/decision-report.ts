import type { Decision } from '../asking/decisions/decision.ts';

/** A picture of the report. */
export interface ReportRow {
  id: string;
  /** PNG; undefined where the picture could not be shown. */
  thumbnail: Uint8Array | undefined;
  decisions: readonly Decision[];
}

/** The page before its rows: a self-contained document that loads nothing from anywhere. */
export function reportHead(title: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}</h1>
<form id="controls" aria-label="Filter and order"></form>
<p id="count" role="status"></p>
</header>
<main id="sheet">
`;
}

/** One picture's card. Escaped: names and options are anyone's. */
export function reportRow({ id, thumbnail, decisions }: ReportRow): string {
  const picture = thumbnail
    ? `<img loading="lazy" alt="" src="data:image/png;base64,${Buffer.from(thumbnail).toString('base64')}">`
    : '<div class="none">not shown</div>';
  const values = decisions.map(({ name, type, value, choice, unsure, probabilities }) => ({
    name,
    type,
    value,
    choice,
    unsure,
    probabilities,
  }));
  return `<figure tabindex="0" data-id="${escapeHtml(id)}" data-decisions="${escapeHtml(JSON.stringify(values))}">${picture}<figcaption><b>${escapeHtml(id)}</b>${decisions.map(answer).join('')}</figcaption></figure>\n`;
}

export const reportTail = (): string => `</main>\n<script>${script}</script>\n</body>\n</html>\n`;

function answer({ name, type, value, choice, unsure }: Decision): string {
  const said = unsure ? 'unsure' : type === 'choice' ? `${choice} ${value.toFixed(3)}` : value.toFixed(3);
  const bar = type === 'score' || unsure ? '' : `<meter min="0" max="1" value="${value}"></meter>`;
  return `<div><span>${escapeHtml(name)}</span> <span>${escapeHtml(said)}</span>${bar}</div>`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

const style = `
:root{color-scheme:light dark;font:15px/1.4 system-ui,sans-serif}
body{margin:0 1rem 2rem}
header{position:sticky;top:0;background:Canvas;padding:.5rem 0;border-bottom:1px solid GrayText}
h1{font-size:1.2rem;margin:.2rem 0}
form{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;align-items:center}
label{display:inline-flex;gap:.4rem;align-items:center}
#count{margin:.3rem 0}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(190px,1fr));gap:1rem;padding-top:1rem}
figure{margin:0;border:1px solid GrayText;border-radius:6px;padding:.5rem;overflow-wrap:anywhere}
figure[hidden]{display:none}
img{width:100%;height:150px;object-fit:contain;background:#fff}
.none{height:150px;display:grid;place-items:center;color:GrayText}
figcaption div{display:grid;grid-template-columns:1fr auto;gap:0 .5rem}
meter{grid-column:1/3;width:100%}`;

/** Plain DOM: a range for what is a number, a list for what is a choice, and the order. */
const script = `
const sheet = document.getElementById('sheet'), controls = document.getElementById('controls'), count = document.getElementById('count');
const cards = [...sheet.children].map((card, place) => ({ card, place, by: new Map(JSON.parse(card.dataset.decisions).map((one) => [one.name, one])) }));
const questions = new Map();
for (const { by } of cards) for (const [name, one] of by) questions.set(name, [...(questions.get(name) ?? []), one]);
const add = (tag, text, properties) => {
  const label = document.createElement('label'), control = Object.assign(document.createElement(tag), properties);
  label.append(text, control); controls.append(label); return control;
};
const options = (select, values) => { for (const value of values) select.append(new Option(value, value)); };
const tests = [];
for (const [name, all] of questions) {
  if (all[0].type === 'choice') {
    const select = add('select', name + ' is ', { name });
    options(select, ['any', ...Object.keys(all[0].probabilities)]);
    tests.push((by) => select.value === 'any' || (by.get(name) && !by.get(name).unsure && by.get(name).choice === select.value));
    continue;
  }
  const values = all.map(({ value }) => value), low = all[0].type === 'score' ? Math.min(...values) : 0, high = all[0].type === 'score' ? Math.max(...values) : 1;
  const range = add('input', name + ' at least ', { type: 'range', name, min: low, max: high, step: (high - low) / 200 || 1, value: low });
  const shown = document.createElement('output'); range.after(shown);
  tests.push((by) => { shown.value = Number(range.value).toFixed(2); return Number(range.value) <= low || (by.get(name) && !by.get(name).unsure && by.get(name).value >= Number(range.value)); });
}
const order = add('select', 'order ', { name: 'order' });
options(order, ['as given', ...questions.keys()]);
const update = () => {
  let seen = 0;
  for (const { card, by } of cards) { const shown = tests.map((test) => test(by)).every(Boolean); card.hidden = !shown; if (shown) seen++; }
  count.textContent = seen + ' of ' + cards.length + ' pictures';
  const value = ({ by }) => by.get(order.value)?.value ?? -Infinity;
  sheet.append(...cards.toSorted((a, b) => order.value === 'as given' ? a.place - b.place : value(b) - value(a) || a.place - b.place).map(({ card }) => card));
};
controls.addEventListener('input', update);
controls.addEventListener('submit', (event) => event.preventDefault());
update();`;
