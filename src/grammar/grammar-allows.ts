import { Automaton } from './automaton.ts';

/** Whether a grammar (GBNF) allows a whole text, however it was written. */
export function grammarAllows(grammar: string, text: string): boolean {
  const automaton = new Automaton(grammar, { reach: 1 });
  let state = automaton.start();
  for (const byte of Buffer.from(text)) {
    automaton.beginWork();
    const next = automaton.step(automaton.fresh(state), byte);
    if (next === null) return false;
    state = next;
  }
  return state.mayEnd;
}
