import serialize from 'dom-serializer';
import { type ChildNode, type Document, type Element, isDirective, isTag, isText } from 'domhandler';
import { parseDocument } from 'htmlparser2';

/** An SVG's elements, with entities as they are written: the renderer has their declarations. */
export interface SvgDocument {
  text: string;
  document: Document;
  root: Element;
}

/** Together, of all values that stand for names: more is made to do harm, and left to the renderer to refuse. */
const mostExpanded = 2 ** 22;

/** Text that stands for a name, without names in it, as Illustrator gives styles. */
function entitiesOf(text: string): { expanded: (value: string) => string } {
  const declaration = /<!ENTITY\s+([\w.-]+)\s+(?:"([^"&%<]*)"|'([^'&%<]*)')\s*>/g;
  const values = new Map<string, string>();
  const end = text.indexOf('<!ENTITY') < 0 ? 0 : text.search(/<[A-Za-z]/);
  for (const [, name = '', double, single] of text.slice(0, end).matchAll(declaration)) {
    if (!values.has(name)) values.set(name, (double ?? single)!);
  }
  let length = 0;
  const expanded = (value: string): string => {
    if (values.size === 0 || !value.includes('&')) return value;
    return value.replace(/&([\w.-]+);/g, (written, name: string) => {
      const stands = values.get(name);
      if (stands === undefined || length + stands.length > mostExpanded) return written;
      length += stands.length;
      return stands;
    });
  };
  return { expanded };
}

/** Undefined where no `svg` is found, or in an encoding that is not known. */
export function parseSvg(bytes: Uint8Array): SvgDocument | undefined {
  const text = decoded(bytes);
  if (text === undefined) return undefined;
  const document = parseDocument(text, { xmlMode: true, decodeEntities: false, withStartIndices: true });
  const root = document.children.find((node): node is Element => isTag(node) && localName(node) === 'svg');
  if (!root) return undefined;
  const entities = entitiesOf(text);
  for (const element of elementsOf(root)) {
    for (const [name, written] of Object.entries(element.attribs)) {
      const value = entities.expanded(written);
      element.attribs[name] = value;
      if (value.includes('"')) element.attribs[name] = value.replaceAll('"', '&quot;');
    }
  }
  return { text, document, root };
}

export function serialized(document: Document): string {
  endInstructions(document.children);
  return serialize(document, { xmlMode: true, encodeEntities: false });
}

/** The parser takes the mark that ends `<?xml ...?>` away, and the serializer does not put it back. */
function endInstructions(nodes: readonly ChildNode[]): void {
  for (const node of nodes) {
    if (isDirective(node) && node.data.startsWith('?') && !node.data.endsWith('?')) node.data += '?';
    if ('children' in node) endInstructions((node as Element).children);
  }
}

/** The file as it is written, but for the start tag of its root. */
export function withRootTag({ text, root }: SvgDocument): string {
  const start = text.indexOf(`<${root.name}`, root.startIndex! - 1); // the parser is off by one behind a declaration
  const end = endOfTag(text, start);
  const isEmpty = text[end - 2] === '/';
  const attributes = Object.entries(root.attribs).map(([name, value]) => ` ${name}="${value}"`);
  return `${text.slice(0, start)}<${root.name}${attributes.join('')}${isEmpty ? '/' : ''}>${text.slice(end)}`;
}

/** `rect` of `svg:rect`. */
export function localName({ name }: Element): string {
  return name.slice(name.indexOf(':') + 1);
}

/** An element and all below, in their order. */
export function elementsOf(root: Element): Element[] {
  const found: Element[] = [];
  const waiting: Element[] = [root];
  for (let element = waiting.pop(); element; element = waiting.pop()) {
    found.push(element);
    waiting.push(...element.children.filter(isTag).toReversed());
  }
  return found;
}

export function textOf(element: Element): string {
  return element.children
    .map((node: ChildNode) => (isText(node) ? node.data : 'children' in node ? textOf(node as Element) : ''))
    .join('');
}

function decoded(bytes: Uint8Array): string | undefined {
  const opening = Buffer.from(bytes.subarray(0, 200)).toString('latin1');
  const declared = /^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*\bencoding\s*=\s*["']([\w.-]+)["']/.exec(opening)?.[1];
  const marked = opening.startsWith('\xff\xfe') ? 'utf-16le' : opening.startsWith('\xfe\xff') ? 'utf-16be' : declared;
  try {
    const text = new TextDecoder(marked ?? 'utf-8', { fatal: true }).decode(bytes);
    return text.replace(/^(\s*<\?xml[^>]*?)\s+encoding\s*=\s*["'][\w.-]+["']/, '$1');
  } catch {
    return undefined;
  }
}

function endOfTag(text: string, start: number): number {
  let quote = '';
  for (let at = start; at < text.length; at++) {
    const letter = text[at]!;
    if (quote !== '') quote = letter === quote ? '' : quote;
    else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === '>') return at + 1;
  }
  return text.length;
}
