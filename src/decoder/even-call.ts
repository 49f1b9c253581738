/** What a call appends to one of the sequences, which are numbered in the order of their cells. */
export interface Share {
  id: number;
  /** Tokens. */
  count: number;
}

/** Tokens that cost no more than one pass more over the weights: 8 to 10 on a processor, far more on a GPU. */
const passWorth = 6;

/**
 * llama.cpp computes in one pass what is equally long in sequences that are neighbours (llama_batch_allocr::split_equal):
 * whatever is longer, or stands behind a gap, reads all weights once more. Where tokens that nobody asked for cost less
 * than that, they fill the call up.
 * @param shares by rising id
 * @returns tokens that each sequence from the first to the last is to be given; undefined where the call is best as it is
 */
export function evenCount(shares: readonly Share[]): number | undefined {
  const passes = passesOf(shares);
  if (passes < 2) return undefined;
  const longest = Math.max(...shares.map(({ count }) => count));
  const total = shares.reduce((sum, { count }) => sum + count, 0);
  const filled = longest * (shares.at(-1)!.id - shares[0]!.id + 1);
  return filled - total <= (passes - 1) * passWorth ? longest : undefined;
}

/** How often a call goes over the weights. */
export function passesOf(shares: readonly Share[]): number {
  let passes = 0;
  for (let left = [...shares]; left.length > 0; passes++) {
    const gap = left.findIndex(({ id }, at) => at > 0 && id !== left[at - 1]!.id + 1);
    const together = gap < 0 ? left.length : gap;
    const count = Math.min(...left.slice(0, together).map((share) => share.count));
    left = left
      .map((share, at) => (at < together ? { ...share, count: share.count - count } : share))
      .filter((share) => share.count > 0);
  }
  return passes;
}
