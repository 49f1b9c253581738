import { byId, count, element } from './dom.js';

let shown = [];

/** The pictures as the model sees them, each token a square of the grid. */
export function look(name, images) {
  byId('look-title').textContent = name;
  shown = images.map(({ blob }) => URL.createObjectURL(blob));
  byId('look-pages').replaceChildren(...images.map((image, index) => figure(image, shown[index])));
  byId('look').showModal();
}

byId('look').addEventListener('close', () => {
  byId('look-pages').replaceChildren();
  for (const url of shown.splice(0)) URL.revokeObjectURL(url);
});
byId('grid').addEventListener('change', ({ target }) => byId('look').classList.toggle('plain', !target.checked));

function figure(image, src) {
  const { page, seen, grid, warnings = [] } = image;
  const what = page === undefined ? 'The picture' : `Page ${page}`;
  const overlay = element('div', { className: 'grid' });
  overlay.style.setProperty('--columns', grid[0]);
  overlay.style.setProperty('--rows', grid[1]);
  const className = seen[0] < 384 ? 'small' : '';
  const alt = `${what} as the model sees it, ${seen[0]} by ${seen[1]} pixels`;
  return element(
    'figure',
    {},
    element(
      'div',
      { className: 'seen' },
      element('img', { src, alt, className, width: seen[0], height: seen[1] }),
      overlay,
    ),
    element('figcaption', {}, facts(image), ...warnings.map((text) => element('p', { className: 'warning' }, text))),
  );
}

function facts({ page, crop, width, height, seen, grid, side, tokens, text }) {
  const place = [page !== undefined && `Page ${page}`, crop && `part at ${crop[0]}, ${crop[1]}`].filter(Boolean);
  return [
    ...(place.length > 0 ? [place.join(', ')] : []),
    `${width} × ${height} pixels, seen as ${seen[0]} × ${seen[1]}`,
    `${grid[0]} × ${grid[1]} squares of ${side} pixels, ${count(tokens, 'token')} with the ends of rows`,
    ...(text === undefined ? [] : [`${count(text, 'character')} of its words beside it`]),
  ].join(' · ');
}
