import type { Element } from 'domhandler';
import { elementsOf, localName } from './document.ts';
import type { StyleSheets } from './style.ts';

/** Elements that librsvg passes over, though some other program may draw them. */
const unknownElements = new Set([
  'altGlyph',
  'audio',
  'canvas',
  'font',
  'hatch',
  'iframe',
  'mesh',
  'meshgradient',
  'solidcolor',
  'textPath',
  'tref',
  'video',
]);

/** What of the drawing is missing or looks otherwise, one sentence for each kind. */
export function undrawn(root: Element, { unused }: StyleSheets): string[] {
  const all = elementsOf(root);
  const elements = new Set(all.map(localName).filter((name) => unknownElements.has(name)));
  const isText = (element: Element): boolean => ['text', 'tspan'].includes(localName(element));
  const turned = all.some((element) => isText(element) && (element.attribs['rotate'] ?? '0') !== '0');
  const stretched = all.some((element) => isText(element) && element.attribs['textLength'] !== undefined);
  const measured = all.some(
    ({ attribs }) =>
      attribs['pathLength'] !== undefined && /dash/.test(`${Object.keys(attribs).join()}${attribs['style'] ?? ''}`),
  );
  const places = new Set(all.flatMap((element) => (isElsewhere(element) ? [localName(element)] : [])));
  return [
    ...[...elements].map((name) => `its <${name}> elements are not drawn`),
    ...(all.some((element) => /^fe(Diffuse|Specular)Lighting$/.test(localName(element)))
      ? ['its lighting is paler than in browsers']
      : []),
    ...[...places].map((name) => `what its <${name}> elements show lies outside the file and is not loaded`),
    ...(measured ? ['its dashes are not measured by the pathLength that is stated'] : []),
    ...(turned ? ['letters of its text that are turned stand upright'] : []),
    ...(stretched ? ['its text is not stretched to the length that is stated'] : []),
    ...[...new Set(unused)].map((rule) => `its ${rule} rules are not used`),
  ];
}

const shows = new Set(['image', 'use', 'feImage', 'tref', 'linearGradient', 'radialGradient', 'pattern', 'textPath']);

function isElsewhere(element: Element): boolean {
  const { attribs } = element;
  const place = (attribs['href'] ?? attribs['xlink:href'] ?? '').trim();
  return shows.has(localName(element)) && place !== '' && !/^(#|data:)/i.test(place);
}
