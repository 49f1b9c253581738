/** Which pages or frames of a source: `#2-5`, `#1,3`, `#every=10`; undefined: all up to the limit. Page numbers are 1-based. */
export type Selection =
  | { kind: 'pages'; ranges: readonly (readonly [first: number, last: number])[] }
  | { kind: 'every'; step: number };
