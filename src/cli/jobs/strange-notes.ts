import type { Strange } from './gather.ts';

const mostNamed = 5;

/** One note for each kind of line that is not believed. */
export function strangeNotes({ unknown, outdated, unreadable, cut }: Strange, folder: string): string[] {
  return [
    noted(unknown, `no record of ${folder} has these custom_ids, so they are results of another job and passed over`),
    noted(outdated, 'answer what these records asked before they were changed, passed over'),
    noted(unreadable, 'passed over'),
    noted(cut, 'end within their last line; what it said counts as missing'),
  ].flat();
}

function noted(places: readonly string[], what: string): string[] {
  if (places.length === 0) return [];
  const others = places.length > mostNamed ? ` and ${places.length - mostNamed} more` : '';
  return [`${places.slice(0, mostNamed).join('; ')}${others}: ${what}`];
}
