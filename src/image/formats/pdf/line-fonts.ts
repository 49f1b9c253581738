import { type PdfObjects, type PdfValue, nameOf } from './objects.ts';

/** What letters that are drawings of their own (Type 3) paint in the colours of the text that they stand in. */
export type LineFonts = 'no lines' | 'lines' | 'lines and areas';

/** Of all fonts of a document. Source: ISO 32000-1, 9.6.5. */
export function lineFontsOf(objects: PdfObjects): LineFonts {
  const marks = [...objects.numbers].flatMap((number) => marksIn(objects, objects.object(number)));
  if (!marks.includes('line')) return 'no lines';
  return marks.includes('area') ? 'lines and areas' : 'lines';
}

type Mark = 'line' | 'area';

/** Of a font, and of those within a dictionary. */
function marksIn(objects: PdfObjects, value: PdfValue): Mark[] {
  if (value.kind !== 'dictionary') return [];
  if (nameOf(objects.entry(value, 'Subtype')) !== 'Type3') {
    return [...value.entries.values()].flatMap((inner) => marksIn(objects, inner));
  }
  const drawings = objects.entry(value, 'CharProcs');
  if (drawings.kind !== 'dictionary') return [];
  return [...drawings.entries.values()].flatMap((drawing) =>
    drawing.kind === 'reference' ? marksOf(objects.content(drawing.number) ?? '') : [],
  );
}

/** Strings and pictures, in which there are no operators. */
const data = /\((?:\\[^]|[^\\)])*\)|\bBI\b[^]*?\bEI\b/g;
const operators = /(?<![^\s\])>])(?:d1|[SsFfBb]\*?|G|RG|K|SCN?|g|rg|k|scn?|T[jJ]|BI|Do)(?![^\s[(</])/g;
const lineColours = new Set(['G', 'RG', 'K', 'SC', 'SCN']);
const areaColours = new Set(['g', 'rg', 'k', 'sc', 'scn']);

/** What a drawing leaves to the text's colours. One that is a stencil (`d1`) has no lines, but an area of their shape. */
function marksOf(drawing: string): Mark[] {
  const found: readonly string[] =
    drawing.replace(data, (part) => (part.startsWith('BI') ? 'BI' : '')).match(operators) ?? [];
  if (found.includes('d1')) return ['area'];
  const marks: Mark[] = [];
  const own = { line: false, area: false };
  for (const operator of found) {
    if (lineColours.has(operator)) own.line = true;
    else if (areaColours.has(operator)) own.area = true;
    else {
      if (/^[SsBb]/.test(operator) && !own.line) marks.push('line');
      if (!/^[Ss]/.test(operator) && !own.area) marks.push('area');
    }
  }
  return marks;
}
