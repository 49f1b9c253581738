import { compile } from 'css-select';
import { type CssNode, generate, parse } from 'css-tree';
import { AttributeAction, type Selector, SelectorType, parse as parseSelector } from 'css-what';
import { type Element, isTag } from 'domhandler';
import { elementsOf, localName, textOf } from './document.ts';
import { type ValueContext, resolved } from './values.ts';

export interface Declaration {
  property: string;
  value: string;
  isImportant: boolean;
}

interface Rule {
  matches: (element: Element) => boolean;
  /** Ids, classes, types, as one number. */
  specificity: number;
  declarations: Declaration[];
}

export interface StyleSheets {
  rules: Rule[];
  /** Rules that the renderer passes over: `@import`, `@font-face`. */
  unused: string[];
  /** Some rules stand in others, which the renderer does not know. */
  isNested: boolean;
}

/** What the elements' styles are once all rules are counted in; written for those who must work out more than the renderer does. */
export interface Styles {
  /** Values that are declared for the element, worked out. */
  declared(element: Element): ReadonlyMap<string, string>;
  /** The value of a property that is handed down, of the element or the nearest above that has one. */
  inherited(element: Element, property: string): string | undefined;
  context(element: Element): ValueContext;
}

/** The rules of all `style` elements, for a white page on a screen. */
export function readStyleSheets(root: Element): StyleSheets {
  const sheets: StyleSheets = { rules: [], unused: [], isNested: false };
  for (const element of elementsOf(root)) {
    if (localName(element) === 'style') readRules(parse(cssOf(element), cssOptions), sheets);
  }
  return sheets;
}

const cssOptions = { parseValue: false, parseRulePrelude: false, parseAtrulePrelude: false } as const;

/** Entities are text to CSS, and a CDATA part is what it holds. */
function cssOf(element: Element): string {
  return decodeBasic(textOf(element)).replace(/<!--|-->/g, '');
}

export function decodeBasic(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function readRules(node: CssNode, sheets: StyleSheets): void {
  if (node.type !== 'StyleSheet' && node.type !== 'Block') return;
  for (const child of node.children) {
    if (child.type === 'Rule') readRule(child, sheets, undefined);
    if (child.type !== 'Atrule') continue;
    const prelude = child.prelude ? generate(child.prelude) : '';
    if (child.name === 'import' || child.name === 'font-face') sheets.unused.push(`@${child.name}`);
    const isDue = child.name === 'media' ? isScreenLight(prelude) : ['supports', 'layer'].includes(child.name);
    if (isDue && child.block) readRules(child.block, sheets);
  }
}

/** With the rules in it. Source: CSS Nesting 1. */
function readRule({ prelude, block }: { prelude: CssNode; block: CssNode }, sheets: StyleSheets, outer?: string): void {
  const own = generate(prelude);
  const selector =
    outer === undefined ? own : own.includes('&') ? own.replaceAll('&', `:is(${outer})`) : `:is(${outer}) ${own}`;
  if (selector.length > maxSelector) return;
  sheets.rules.push(...rulesOf(selector, declarationsOf(block)));
  for (const rule of nestedRules(block)) {
    sheets.isNested = true;
    readRule(rule, sheets, selector);
  }
}

/** The parser knows those that begin with &, and gives others as they are written. */
function nestedRules(block: CssNode): Extract<CssNode, { type: 'Rule' }>[] {
  if (block.type !== 'Block' && block.type !== 'StyleSheet') return [];
  return [...block.children].flatMap((child) => {
    if (child.type === 'Rule') return [child];
    const isWritten = child.type === 'Raw' && block.type === 'Block' && child.value.includes('{');
    return isWritten ? nestedRules(parse(child.value, cssOptions)) : [];
  });
}

/** Rules in rules that name each other's would fill the memory. */
const maxSelector = 2000;

/** Of a white page on a screen of any size. Source: Media Queries 5. */
function isScreenLight(query: string): boolean {
  return query.split(',').some((part) => {
    const isNot = /^\s*not\b/i.test(part);
    const isWrong =
      /\bprint\b|\bspeech\b|prefers-color-scheme\s*:\s*dark|prefers-[\w-]+\s*:\s*(reduce|more)|:\s*active/i.test(part);
    return isNot ? isWrong : !isWrong;
  });
}

function declarationsOf(block: CssNode): Declaration[] {
  if (block.type !== 'Block' && block.type !== 'DeclarationList') return [];
  return [...block.children].flatMap((child) => {
    if (child.type !== 'Declaration') return [];
    const [property, value, isImportant] = [child.property, generate(child.value).trim(), child.important !== false];
    const own = { property, value, isImportant };
    return property === 'font' ? [own, ...fontParts(value).map((part) => ({ ...part, isImportant }))] : [own];
  });
}

/** The longer names of what `font` says in one: `italic bold 12px/1.5 Arial`. Source: CSS Fonts 4, 2.7. */
function fontParts(value: string): { property: string; value: string }[] {
  const [, words = '', size, lineHeight, family] =
    /^(.*?)\s*([\d.]+[a-z%]+)(?:\s*\/\s*([\w.%]+))?\s+(.+)$/is.exec(value) ?? [];
  if (size === undefined || family === undefined) return [];
  const weight = /\b(bold|bolder|lighter|[1-9]00)\b/i.exec(words)?.[1];
  return [
    { property: 'font-style', value: /\b(italic|oblique)\b/i.exec(words)?.[1] ?? 'normal' },
    { property: 'font-weight', value: weight ?? 'normal' },
    { property: 'font-size', value: size },
    { property: 'line-height', value: lineHeight ?? 'normal' },
    { property: 'font-family', value: family },
  ];
}

function rulesOf(selectors: string, declarations: Declaration[]): Rule[] {
  try {
    return parseSelector(selectors).flatMap((selector) => {
      if (selector.some(({ type }) => type === SelectorType.PseudoElement)) return [];
      const matches = compile<Element, Element>([selector], { xmlMode: true });
      return [{ matches, specificity: specificityOf(selector), declarations }];
    });
  } catch {
    return []; // a selector that is not known matches nothing
  }
}

/** Source: Selectors 4, 17. */
function specificityOf(selector: Selector[]): number {
  let specificity = 0;
  for (const part of selector) {
    if (part.type === SelectorType.Attribute)
      specificity += part.name === 'id' && part.action === AttributeAction.Equals ? 1_000_000 : 1000;
    else if (part.type === SelectorType.Pseudo && part.name !== 'where') specificity += 1000;
    else if (part.type === SelectorType.Tag) specificity += 1;
  }
  return specificity;
}

/** Of a `style` attribute. */
export function inlineDeclarations(element: Element): Declaration[] {
  const style = element.attribs['style'];
  if (!style) return [];
  return declarationsOf(parse(decodeBasic(style), { ...cssOptions, context: 'declarationList' }));
}

export function stylesOf({ rules }: StyleSheets): Styles {
  const declaredBy = new WeakMap<Element, Map<string, string>>();
  const contexts = new WeakMap<Element, ValueContext>();

  function context(element: Element): ValueContext {
    const known = contexts.get(element);
    if (known) return known;
    const { parent } = element;
    const above: ValueContext =
      parent && isTag(parent) ? context(parent) : { property: () => undefined, isDark: false };
    const winners = cascade(element, rules);
    const scheme = winners.get('color-scheme');
    const isDark = scheme === undefined ? above.isDark : /\bdark\b/.test(scheme) && !/\blight\b/.test(scheme);
    const made = { property: ownProperties(winners, above, isDark), isDark };
    contexts.set(element, made);
    declaredBy.set(element, new Map([...winners].map(([property, value]) => [property, resolved(value, made)])));
    return made;
  }

  function declared(element: Element): Map<string, string> {
    context(element);
    return declaredBy.get(element)!;
  }

  function inherited(element: Element, property: string): string | undefined {
    const own = declared(element).get(property) ?? element.attribs[property];
    if (own !== undefined && own !== 'inherit') return own;
    return element.parent && isTag(element.parent) ? inherited(element.parent, property) : undefined;
  }

  return { context, declared, inherited };
}

/** Each is worked out once, from others and from those of the element above; one that leads to itself is none. */
function ownProperties(
  winners: ReadonlyMap<string, string>,
  above: ValueContext,
  isDark: boolean,
): (name: string) => string | undefined {
  const found = new Map<string, string | undefined>();
  const property = (name: string): string | undefined => {
    const value = winners.get(name);
    if (value === undefined) return above.property(name);
    if (found.has(name)) return found.get(name);
    found.set(name, undefined);
    found.set(name, resolved(value, { property, isDark }));
    return found.get(name);
  };
  return property;
}

/** The values that win: important ones, then those of the `style` attribute, then by specificity and order. */
function cascade(element: Element, rules: readonly Rule[]): Map<string, string> {
  const ranked = rules
    .filter(({ matches }) => matches(element))
    .flatMap(({ specificity, declarations }) => declarations.map((declaration) => ({ ...declaration, specificity })));
  const inline = inlineDeclarations(element).map((declaration) => ({ ...declaration, specificity: 1e9 }));
  const rank = ({ isImportant, specificity }: (typeof ranked)[number]): number =>
    specificity + (isImportant ? 1e12 : 0);
  const ordered = [...ranked, ...inline].sort((one, other) => rank(one) - rank(other));
  return new Map(ordered.map(({ property, value }) => [property, value]));
}
