import { Element, Text, isTag } from 'domhandler';
import type { Size } from '../opened.ts';
import { elementsOf, localName } from './document.ts';
import { layOutHtml, textStyle } from './html-box.ts';
import { pixelsOf } from './lengths.ts';
import type { Styles } from './style.ts';
import { type Item, type Run, type TextStyle } from './text-box.ts';
import { rootContext } from './viewport.ts';

/** What is no text in a label. */
const notDrawn = new Set(['canvas', 'iframe', 'img', 'input', 'math', 'object', 'svg', 'table', 'textarea', 'video']);

const plainText: TextStyle = {
  fontSize: 16,
  family: "'Times New Roman', serif",
  weight: 'normal',
  slant: 'normal',
  colour: 'black',
  decoration: undefined,
  lineHeight: undefined,
  align: 'left',
  wraps: true,
  keepsSpaces: false,
};

/**
 * Puts SVG's own text in the place of labels in HTML, as Mermaid and draw.io write them; what stands beside them in a
 * `switch` is for programs that cannot draw them.
 * @returns what of them is not drawn
 */
export function drawLabels(root: Element, styles: Styles, size: Size): string[] {
  const labels = elementsOf(root).filter((element) => localName(element) === 'foreignObject' && isForBrowsers(element));
  const missing = new Set<string>();
  for (const element of elementsOf(root)) delete element.attribs['requiredFeatures']; // browsers pass over it too
  for (const label of labels) {
    const inside = elementsOf(label).map(localName);
    for (const name of inside.filter((candidate) => notDrawn.has(candidate))) missing.add(name);
    replaceLabel(label, drawnLabel(label, { root, styles, size }));
  }
  return [...missing].map((name) => `the <${name}> elements in its <foreignObject> elements are not drawn as they are`);
}

/** Illustrator's own data is for no other program: in a `switch`, what stands beside it is drawn. */
function isForBrowsers({ attribs }: Element): boolean {
  const extensions = (attribs['requiredExtensions'] ?? '').trim();
  return extensions === '' || /^http:\/\/www\.w3\.org\/(1999\/xhtml|1998\/Math\/MathML)$/.test(extensions);
}

function drawnLabel(label: Element, { root, styles, size }: { root: Element; styles: Styles; size: Size }): Element {
  const context = rootContext(root, styles, size);
  const box = viewport(label, size);
  const length = (name: 'x' | 'y' | 'width' | 'height'): number => {
    const value = styles.declared(label).get(name) ?? label.attribs[name];
    const whole = name === 'x' || name === 'width' ? box.width : box.height;
    const share = /^\s*([\d.]+)%\s*$/.exec(value ?? '')?.[1];
    return share === undefined ? (pixelsOf(value, context) ?? 0) : (Number(share) / 100) * whole;
  };
  const style = textStyle(label, styles, styleAbove(label, styles));
  const { items } = layOutHtml(label, styles, { available: length('width'), availableHeight: length('height'), style });
  const [x, y] = [length('x'), length('y')];
  const drawn = items.map((item) => drawnItem(item, x, y));
  const { transform, opacity, visibility } = label.attribs;
  const kept = Object.entries({ transform, opacity, visibility }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return new Element(
    nameLike(label, 'g'),
    Object.fromEntries(kept),
    drawn.map((item) => named(item, label)),
  );
}

/** The nearest `svg` with a view box. */
function viewport(element: Element, size: Size): Size {
  for (let above = element.parent; above && isTag(above); above = above.parent) {
    const [, , width = 0, height = 0] = (above.attribs['viewBox'] ?? '')
      .trim()
      .split(/[\s,]+/)
      .map(Number);
    if (localName(above) === 'svg' && width > 0 && height > 0) return { width, height };
  }
  return size;
}

function styleAbove(element: Element, styles: Styles): TextStyle {
  const above: Element[] = [];
  for (let parent = element.parent; parent && isTag(parent); parent = parent.parent) above.unshift(parent);
  return above.reduce((style, parent) => {
    const attributes = parent.attribs;
    const own = textStyle(parent, styles, style);
    return {
      ...own,
      family: styles.declared(parent).get('font-family') ?? attributes['font-family'] ?? own.family,
      fontSize: pixelsOf(attributes['font-size'], { fontSize: style.fontSize, width: 0, height: 0 }) ?? own.fontSize,
      colour: styles.declared(parent).get('color') ?? attributes['color'] ?? own.colour,
    };
  }, plainText);
}

function drawnItem(item: Item, x: number, y: number): Element {
  if (item.kind === 'rectangle') {
    const { width, height, colour } = item;
    return new Element('rect', {
      x: written(item.x + x),
      y: written(item.y + y),
      width: written(width),
      height: written(height),
      style: quoted(`fill:${colour};stroke:none`),
    });
  }
  const attributes = { x: written(item.x + x), y: written(item.baseline + y), 'xml:space': 'preserve' };
  return new Element('text', { ...attributes, style: `text-anchor:${item.anchor}` }, item.runs.map(drawnRun));
}

function drawnRun({ text, style }: Run): Element {
  const { fontSize, family, weight, slant, colour, decoration } = style;
  const declarations = [
    `font-size:${written(fontSize)}px;font-family:${family};font-weight:${weight};font-style:${slant}`,
    `fill:${colour};stroke:none;letter-spacing:normal;dominant-baseline:auto`,
    ...(decoration === undefined ? [] : [`text-decoration:${decoration}`]),
  ];
  return new Element('tspan', { style: quoted(declarations.join(';')) }, [new Text(text)]);
}

function replaceLabel(label: Element, drawn: Element): void {
  const parent = label.parent;
  if (!parent) return;
  const isSwitch = isTag(parent) && localName(parent) === 'switch';
  if (isSwitch) parent.name = nameLike(parent, 'g');
  parent.children = isSwitch ? [drawn] : parent.children.map((child) => (child === label ? drawn : child));
  drawn.parent = parent;
}

/** In the same namespace, by the same prefix. */
function nameLike({ name }: Element, local: string): string {
  return name.slice(0, name.indexOf(':') + 1) + local;
}

function named(element: Element, label: Element): Element {
  element.name = nameLike(label, element.name);
  for (const child of element.children.filter(isTag)) named(child, label);
  return element;
}

function quoted(style: string): string {
  return style.replaceAll('"', "'").replaceAll('<', '&lt;');
}

function written(value: number): string {
  return String(Number(value.toFixed(3)));
}
