/**
 * How many of the ids that wait for each sequence the next call appends. A call is one pass over the weights as long as it
 * gives all as many (see evenCount): who has more to append than the others waits with the rest for their next calls, and
 * draws nothing meanwhile. A rest that would wait for more calls than there are sequences is worth a pass of its own.
 */
export function commonStep(waiting: readonly number[]): number[] {
  const least = Math.min(...waiting);
  return waiting.map((count) => (count - least > waiting.length ? count : least));
}
