/** How a model may write a label: as it is, in small letters, capitals, with a capital first, each also after a blank. */
export function spellings(label: string): Set<string> {
  const capitalized = label.charAt(0).toUpperCase() + label.slice(1);
  const cases = [label, label.toLowerCase(), label.toUpperCase(), capitalized];
  return new Set(cases.flatMap((text) => [text, ` ${text}`]));
}
