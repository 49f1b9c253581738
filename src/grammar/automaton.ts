import { PixtralError } from '../base/errors.ts';
import type { ByteNode } from './byte-class.ts';
import { type Position, byteGrammar } from './byte-grammar.ts';

/** What follows once the innermost is done: an item with the rounds that are left of it, and what follows that. */
interface Frame {
  readonly id: number;
  readonly at: Position;
  readonly min: number;
  readonly max: number;
  readonly outer: Frame | undefined;
  /** The same with no more rounds than the longest token could use up. */
  readonly near: Frame;
}

/** A character that may come, or the rest of one, and what follows it. */
interface Terminal {
  readonly id: number;
  readonly node: ByteNode;
  /** Whether the character has begun. */
  readonly isInside: boolean;
  readonly after: Frame | undefined;
}

/** Everything that may come after some text. */
export interface GrammarState {
  readonly terminals: readonly Terminal[];
  /** Whether the text may end here. */
  readonly mayEnd: boolean;
  /** By byte: null where none may come, undefined where nobody has asked yet. */
  readonly next: (GrammarState | null | undefined)[];
  readonly generation: number;
}

/** Ways that are open at once, and steps to find those of one mask: beyond, a grammar is a mistake or an attack. */
const maxTerminals = 2000;
const maxWork = 100_000;
/** About 2 kB each. */
const maxStates = 16_384;
const maxKept = 400_000;

/**
 * Reads a grammar byte by byte: a pushdown automaton whose sets of stacks become states as they are met, so that
 * a step which was taken once costs a look-up.
 */
export class Automaton {
  readonly #start: readonly (Position | undefined)[];
  /** Bytes of the longest token. */
  readonly #reach: number;
  readonly #frames = new Map<string, Frame>();
  readonly #terminals = new Map<string, Terminal>();
  readonly #states = new Map<string, GrammarState>();
  /** Grows whenever the states made so far are given up. */
  generation = 0;
  #count = 0;
  #work = 0;
  #made = 0;

  constructor(gbnf: string, { reach }: { reach: number }) {
    this.#start = byteGrammar(gbnf);
    this.#reach = reach + 1;
  }

  start(): GrammarState {
    this.beginWork();
    return this.#state(
      this.#start.map((position) => this.#push(position, undefined)),
      [],
    )!;
  }

  /** Whoever does something of bounded cost says so: the next steps may do as much work as one mask may need. */
  beginWork(): void {
    this.#work = this.#made = 0;
    if (this.#states.size < maxStates && this.#frames.size + this.#terminals.size < maxKept) return;
    for (const kept of [this.#frames, this.#terminals, this.#states]) kept.clear();
    this.generation++;
  }

  /** The state, forgotten and made anew where the memory of its steps has been given up. */
  fresh(state: GrammarState): GrammarState {
    return state.generation === this.generation ? state : this.#intern(state.terminals, state.mayEnd)!;
  }

  /** @throws PixtralError `input` when too many ways are open */
  step(state: GrammarState, byte: number): GrammarState | null {
    const known = state.next[byte];
    if (known !== undefined) return known;
    const frames: (Frame | undefined)[] = [];
    const inside: Terminal[] = [];
    for (const { node, after } of state.terminals) {
      const next = node.next[byte];
      if (next === 'end') frames.push(after);
      else if (next) inside.push(this.#terminal(next, { after, isInside: true }));
    }
    const found = frames.length + inside.length === 0 ? null : this.#state(frames, inside);
    state.next[byte] = found;
    return found;
  }

  /** A state that allows the same tokens; states that differ only far ahead share it. */
  near(state: GrammarState): GrammarState {
    if (state.terminals.every(({ after }) => after === undefined || after.near === after)) return state;
    const terminals = state.terminals.map(({ node, isInside, after }) =>
      this.#terminal(node, { isInside, after: after?.near }),
    );
    return this.#intern(terminals, state.mayEnd)!;
  }

  /** The state in which any of the frames, or of the rests of characters, may come. */
  #state(frames: readonly (Frame | undefined)[], inside: readonly Terminal[]): GrammarState | null {
    const todo = [...frames];
    const seen = new Set<Frame>();
    const terminals = [...inside];
    let mayEnd = false;
    while (todo.length > 0) {
      const frame = todo.pop();
      if (!frame) {
        mayEnd = true;
        continue;
      }
      if (seen.has(frame)) continue;
      seen.add(frame);
      if (++this.#work > maxWork) throw tooManyWays();
      const { at, outer, min, max } = frame;
      const { item } = at;
      const after = this.#push(at.next, outer);
      if (item.kind === 'character') terminals.push(this.#terminal(item.node, { after, isInside: false }));
      else if (item.kind === 'choice') for (const begin of item.alternatives) todo.push(this.#push(begin, after));
      else {
        if (min === 0) todo.push(after);
        if (max === 0) continue;
        const more = max === 1 ? after : this.#frame({ at, min: Math.max(0, min - 1), max: max - 1, outer });
        for (const begin of item.alternatives) todo.push(this.#push(begin, more));
      }
    }
    return this.#intern(terminals, mayEnd);
  }

  #intern(terminals: readonly Terminal[], mayEnd: boolean): GrammarState | null {
    if (terminals.length > maxTerminals) throw tooManyWays();
    this.#work += terminals.length;
    const unique = [...new Set(terminals)].toSorted((one, other) => one.id - other.id);
    if (unique.length === 0 && !mayEnd) return null;
    const key = `${mayEnd ? '.' : ''}${unique.map(({ id }) => id).join()}`;
    let state = this.#states.get(key);
    if (!state) {
      if (++this.#made > maxStates) throw tooManyWays();
      const next = Array.from<undefined>({ length: 256 }).fill(undefined);
      state = { terminals: unique, mayEnd, next, generation: this.generation };
      this.#states.set(key, state);
    }
    return state;
  }

  /** What comes at a position and after it; no frame for a position where nothing comes. */
  #push(at: Position | undefined, outer: Frame | undefined): Frame | undefined {
    if (!at) return outer;
    const { item } = at;
    const [min, max] = item.kind === 'repeat' ? [item.min, item.max] : [0, 0];
    return this.#frame({ at, min, max, outer });
  }

  #frame({ at, min, max, outer }: Omit<Frame, 'id' | 'near'>): Frame {
    const key = `${at.id},${min},${max},${outer?.id ?? ''}`;
    let frame = this.#frames.get(key);
    if (!frame) {
      const isNear = outer === undefined || outer.near === outer;
      const isFar =
        at.item.kind === 'repeat' && at.item.takesBytes && (min > this.#reach || isBetween(max, this.#reach));
      const made = { id: this.#count++, at, min, max, outer } as { -readonly [K in keyof Frame]: Frame[K] };
      made.near =
        isNear && !isFar
          ? made
          : this.#frame({
              at,
              min: isFar ? Math.min(min, this.#reach) : min,
              max: isFar && max !== Infinity ? Math.min(max, this.#reach) : max,
              outer: outer?.near,
            });
      this.#frames.set(key, (frame = made));
    }
    return frame;
  }

  #terminal(node: ByteNode, { after, isInside }: Pick<Terminal, 'after' | 'isInside'>): Terminal {
    const key = `${node.id},${after?.id ?? ''}`; // nodes inside characters are no class's beginning
    let terminal = this.#terminals.get(key);
    if (!terminal) this.#terminals.set(key, (terminal = { id: this.#count++, node, isInside, after }));
    return terminal;
  }
}

const isBetween = (max: number, reach: number): boolean => max > reach && max < Infinity;

function tooManyWays(): PixtralError {
  return new PixtralError('input', 'grammar: so many ways are open at once that they cannot be followed', {
    hint: 'optional parts that may be the same text, one after the other or one in the other, are what multiplies them',
  });
}
