import { type ChildNode, type Element, isTag } from 'domhandler';
import { elementsOf, localName } from './document.ts';

const alwaysThere: ReadonlySet<string> = new Set(['SourceGraphic', 'SourceAlpha', 'FillPaint', 'StrokePaint']);

const isStep = (node: ChildNode): node is Element => isTag(node) && localName(node).startsWith('fe');

/**
 * What a filter's step is to read and is not there (`BackgroundImage`, a result of no step) becomes the step before, or
 * the drawing itself, as in browsers; the renderer would read nothing. @returns whether there was any
 */
export function nameFilterInputs(root: Element): boolean {
  let isChanged = false;
  for (const filter of elementsOf(root).filter((element) => localName(element) === 'filter')) {
    const known = new Set(alwaysThere);
    let before = 'SourceGraphic';
    for (const [index, step] of filter.children.filter(isStep).entries()) {
      for (const { attribs } of elementsOf(step)) {
        for (const key of ['in', 'in2']) {
          const input = attribs[key]?.trim();
          if (input === undefined || input === '' || known.has(input)) continue;
          attribs[key] = before;
          isChanged = true;
        }
      }
      const result = (step.attribs['result'] ??= `step-${index}`);
      known.add(result);
      before = result;
    }
  }
  return isChanged;
}
