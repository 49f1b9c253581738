import { type ChildNode, type Element, isTag, isText } from 'domhandler';
import { localName } from './document.ts';
import { pixelsOf } from './lengths.ts';
import type { Styles } from './style.ts';
import { type Item, type Run, type TextBox, type TextStyle, aligned, layOutRuns, moved } from './text-box.ts';

/** What browsers give elements before any style does. Source: HTML, 15.3. */
const defaults: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  b: { 'font-weight': 'bold' },
  strong: { 'font-weight': 'bold' },
  i: { 'font-style': 'italic' },
  em: { 'font-style': 'italic' },
  u: { 'text-decoration': 'underline' },
  s: { 'text-decoration': 'line-through' },
  code: { 'font-family': 'monospace' },
  pre: { 'font-family': 'monospace', 'white-space': 'pre', margin: '1em 0' },
  p: { margin: '1em 0' },
  ul: { margin: '1em 0', 'padding-left': '40px' },
  ol: { margin: '1em 0', 'padding-left': '40px' },
  small: { 'font-size': '0.83em' },
  sub: { 'font-size': '0.83em' },
  sup: { 'font-size': '0.83em' },
  h1: { 'font-size': '2em', 'font-weight': 'bold', margin: '0.67em 0' },
  h2: { 'font-size': '1.5em', 'font-weight': 'bold', margin: '0.83em 0' },
  h3: { 'font-size': '1.17em', 'font-weight': 'bold', margin: '1em 0' },
  h4: { 'font-weight': 'bold', margin: '1.33em 0' },
  center: { 'text-align': 'center' },
  th: { 'font-weight': 'bold', 'text-align': 'center' },
};

/** Of `<font>`. */
const fontAttributes: Readonly<Record<string, string>> = { color: 'color', 'font-family': 'face' };

const blocks = new Set([
  'body',
  'center',
  'div',
  'h1',
  'h2',
  'h3',
  'h4',
  'hr',
  'li',
  'ol',
  'p',
  'pre',
  'section',
  'table',
  'tbody',
  'td',
  'th',
  'tr',
  'ul',
]);
const maxDepth = 100;

interface Available {
  available: number;
  /** What shares of a height are of. */
  availableHeight: number;
  /** Of the element around. */
  style: TextStyle;
}

/** Lays out HTML as a browser would, as far as labels of diagrams go: blocks, lines, and boxes that centre them. */
export function layOutHtml(
  element: Element,
  styles: Styles,
  { available, availableHeight, style, depth = 0 }: Available & { depth?: number },
): TextBox {
  const own = textStyle(element, styles, style);
  const value = (property: string): string | undefined => valueOf(element, styles, property);
  const length = (text: string | undefined, whole: number): number | undefined =>
    lengthOf(text, { fontSize: own.fontSize, whole });
  const [paddingTop, paddingRight, paddingBottom, paddingLeft] = sides(element, styles, 'padding', own.fontSize);
  const lengthDown = Math.max(
    length(value('height'), availableHeight) ?? 0,
    length(value('min-height'), availableHeight) ?? 0,
  );
  const stated = length(value('width'), available);
  const most = length(value('max-width'), available) ?? Infinity;
  const inner = Math.max(0, Math.min(stated ?? available - paddingLeft - paddingRight, most));
  const content =
    depth > maxDepth
      ? { width: 0, height: 0, items: [] }
      : layOutContent(element, styles, {
          available: inner,
          availableHeight: depth === 0 ? availableHeight : lengthDown,
          style: own,
          depth,
        });
  const shrinks = /inline|table-cell|flex-item/.test(value('display') ?? '') && stated === undefined;
  const width = shrinks ? content.width : inner;

  const isFlex = /flex|grid/.test(value('display') ?? '');
  const height = isFlex && lengthDown > 0 ? lengthDown : Math.max(content.height, lengthDown);
  const placed = placedContent(content, { width, height, isFlex, value });
  const box = { width: width + paddingLeft + paddingRight, height: height + paddingTop + paddingBottom };
  const ground = value('background-color') ?? value('background');
  const rectangle: Item[] = isColour(ground) ? [{ kind: 'rectangle', x: 0, y: 0, ...box, colour: ground }] : [];
  return { ...box, items: [...rectangle, ...moved(placed, paddingLeft, paddingTop)] };
}

/** In a flexible box it is centred, or put at an end, where that is asked for. */
function placedContent(
  content: TextBox,
  {
    width,
    height,
    isFlex,
    value,
  }: { width: number; height: number; isFlex: boolean; value: (property: string) => string | undefined },
): Item[] {
  const share = (text: string | undefined): number =>
    /center/.test(text ?? '') ? 0.5 : /end|bottom|right/.test(text ?? '') ? 1 : 0;
  const isColumn = /column/.test(value('flex-direction') ?? '');
  const [across, down] = isColumn
    ? [value('align-items'), value('justify-content')]
    : [value('justify-content'), value('align-items')];
  if (!isFlex) {
    const isMiddle = /middle/.test(value('vertical-align') ?? '') && /table-cell/.test(value('display') ?? '');
    return moved(content.items, 0, isMiddle ? (height - content.height) / 2 : 0);
  }
  return moved(content.items, share(across) * (width - content.width), share(down) * (height - content.height));
}

/** Blocks below one another; what stands between them in lines. Children of a flexible box are as wide as they must be. */
function layOutContent(
  element: Element,
  styles: Styles,
  { available, availableHeight, style, depth }: Available & { depth: number },
): TextBox {
  const display = valueOf(element, styles, 'display') ?? '';
  const isRow = /flex/.test(display) && !/column/.test(valueOf(element, styles, 'flex-direction') ?? '');
  const isFlex = /flex|grid/.test(display);
  const boxes: (TextBox & { above: number; below: number })[] = [];
  let runs: Run[] = [];
  const endLine = (): void => {
    const collapsed = collapsedSpaces(runs);
    runs = [];
    if (collapsed.length === 0) return;
    const lines = layOutRuns(collapsed, style, available);
    boxes.push({ ...aligned(lines, isFlex ? lines.width : available), width: lines.width, above: 0, below: 0 });
  };
  for (const node of element.children) {
    if (!isTag(node) || !isBlock(node, styles)) {
      runs.push(...runsOf(node, styles, style, depth));
      continue;
    }
    endLine();
    const own = textStyle(node, styles, style);
    const [above, right, below, left] = sides(node, styles, 'margin', own.fontSize);
    const child = layOutHtml(node, styles, {
      available: Math.max(0, available - left - right),
      availableHeight,
      style,
      depth: depth + 1,
    });
    const natural = naturalWidth(child);
    const fitted = isFlex && valueOf(node, styles, 'width') === undefined ? narrowed(child, natural) : child;
    boxes.push({
      width: fitted.width + left + right,
      height: fitted.height,
      items: moved(fitted.items, left, 0),
      above,
      below,
    });
  }
  endLine();
  return isRow ? beside(boxes) : below(boxes);
}

/** As wide as its longest line, with lines where they were in the middle or at the end of it. */
function narrowed(box: TextBox, width: number): TextBox {
  const less = box.width - width;
  const shift = { start: 0, middle: less / 2, end: less };
  const items = box.items.map((item): Item => {
    if (item.kind === 'line') return { ...item, x: item.x - shift[item.anchor] };
    return item.width === box.width ? { ...item, width } : item;
  });
  return { ...box, width, items };
}

function naturalWidth({ width, items }: TextBox): number {
  const lines = items.flatMap((item) =>
    item.kind === 'line' ? layOutRuns(item.runs, item.runs[0]!.style, Infinity).width : [],
  );
  return lines.length === 0 ? width : Math.min(width, Math.max(...lines));
}

function beside(boxes: readonly (TextBox & { above: number; below: number })[]): TextBox {
  let x = 0;
  const height = Math.max(0, ...boxes.map((box) => box.above + box.height + box.below));
  const items = boxes.flatMap((box) => {
    const placed = moved(box.items, x, box.above);
    x += box.width;
    return placed;
  });
  return { width: x, height, items };
}

/** The larger of two margins that meet counts. */
function below(boxes: readonly (TextBox & { above: number; below: number })[]): TextBox {
  let y = 0;
  let margin = 0;
  const items = boxes.flatMap((box) => {
    y += Math.max(margin, box.above);
    margin = box.below;
    const placed = moved(box.items, 0, y);
    y += box.height;
    return placed;
  });
  return { width: Math.max(0, ...boxes.map(({ width }) => width)), height: y + margin, items };
}

function runsOf(node: ChildNode, styles: Styles, style: TextStyle, depth: number): Run[] {
  if (isText(node)) return [{ text: node.data, style }];
  if (!isTag(node) || depth > maxDepth || valueOf(node, styles, 'display') === 'none') return [];
  if (localName(node) === 'br') return [{ text: '\n', style: { ...style, keepsSpaces: true } }];
  const own = textStyle(node, styles, style);
  const mark = localName(node) === 'li' ? [{ text: '\u2022 ', style: own }] : [];
  return [...mark, ...node.children.flatMap((child) => runsOf(child, styles, own, depth + 1))];
}

/** Spaces and line ends in a row are one space, but where they are to be kept. */
function collapsedSpaces(runs: readonly Run[]): Run[] {
  let endsInSpace = true;
  const collapsed = runs.map((run) => {
    if (run.style.keepsSpaces) {
      endsInSpace = run.text.endsWith('\n');
      return run;
    }
    let text = run.text.replace(/[ \t\r\n]+/g, ' ');
    if (endsInSpace) text = text.replace(/^ /, '');
    if (text !== '') endsInSpace = text.endsWith(' ');
    return { ...run, text };
  });
  return collapsed.some(({ text }) => text.trim() !== '') ? collapsed.filter(({ text }) => text !== '') : [];
}

function isBlock(element: Element, styles: Styles): boolean {
  const display = valueOf(element, styles, 'display') ?? (blocks.has(localName(element)) ? 'block' : 'inline');
  if (display === 'none') return false;
  // A line that holds a block is laid out like one, and so is a box in a line that is the only one.
  if (display === 'inline' || display === 'contents') {
    return element.children.some((child) => isTag(child) && isBlock(child, styles));
  }
  return !display.startsWith('inline') || isAlone(element);
}

function isAlone(element: Element): boolean {
  const siblings = element.parent?.children ?? [];
  return siblings.every((node) => node === element || (isText(node) && node.data.trim() === ''));
}

/** @param style of the element around it */
export function textStyle(element: Element, styles: Styles, style: TextStyle): TextStyle {
  const value = (property: string): string | undefined => valueOf(element, styles, property);
  const fontSize = lengthOf(value('font-size'), { fontSize: style.fontSize, whole: style.fontSize }) ?? style.fontSize;
  const spaces = value('white-space');
  const lineHeight = value('line-height');
  const align = value('text-align');
  return {
    fontSize,
    family: value('font-family') ?? style.family,
    weight: value('font-weight') ?? style.weight,
    slant: value('font-style') ?? style.slant,
    colour: value('color') ?? style.colour,
    decoration: value('text-decoration') ?? value('text-decoration-line') ?? style.decoration,
    lineHeight:
      lineHeight === undefined
        ? scaled(style.lineHeight, fontSize / style.fontSize)
        : lineHeightOf(lineHeight, fontSize),
    align:
      align === undefined ? style.align : /center/.test(align) ? 'center' : /right|end/.test(align) ? 'right' : 'left',
    wraps: spaces === undefined ? style.wraps : !/nowrap|^pre$/.test(spaces),
    keepsSpaces: spaces === undefined ? style.keepsSpaces : /pre|break-spaces/.test(spaces) && spaces !== 'pre-line',
  };
}

function scaled(length: number | undefined, factor: number): number | undefined {
  return length === undefined ? undefined : length * factor;
}

function lineHeightOf(value: string, fontSize: number): number | undefined {
  if (value === 'normal') return undefined;
  if (/^[\d.]+$/.test(value)) return Number(value) * fontSize;
  return lengthOf(value, { fontSize, whole: fontSize });
}

function valueOf(element: Element, styles: Styles, property: string): string | undefined {
  const value =
    styles.declared(element).get(property) ??
    element.attribs[localName(element) === 'font' ? (fontAttributes[property] ?? '') : ''] ??
    defaults[localName(element)]?.[property];
  return value === 'inherit' ? undefined : value;
}

/** Top, right, bottom, left, also where they are written in one. */
function sides(
  element: Element,
  styles: Styles,
  property: 'margin' | 'padding',
  fontSize: number,
): [number, number, number, number] {
  const [top = '0', right = top, bottom = top, left = right] = (valueOf(element, styles, property) ?? '0')
    .trim()
    .split(/\s+/);
  const own = (side: string, value: string): number =>
    lengthOf(valueOf(element, styles, `${property}-${side}`) ?? value, { fontSize, whole: 0 }) ?? 0;
  return [own('top', top), own('right', right), own('bottom', bottom), own('left', left)];
}

function lengthOf(
  value: string | undefined,
  { fontSize, whole }: { fontSize: number; whole: number },
): number | undefined {
  const share = /^\s*([\d.]+)%\s*$/.exec(value ?? '')?.[1];
  if (share !== undefined) return (Number(share) / 100) * whole;
  return pixelsOf(value, { fontSize, width: 0, height: 0 });
}

function isColour(value: string | undefined): value is string {
  return value !== undefined && !/^(none|transparent|inherit|initial|unset)$|url\(|gradient\(/.test(value);
}
