/** What a prompt is made of. Only a control segment becomes a control token; text stays text whatever it says. */
export type Segment<I> =
  | { kind: 'control'; name: string }
  | { kind: 'text'; text: string }
  | { kind: 'image'; image: I };

export const control = (name: string): { kind: 'control'; name: string } => ({ kind: 'control', name });
export const text = (value: string): { kind: 'text'; text: string } => ({ kind: 'text', text: value });
