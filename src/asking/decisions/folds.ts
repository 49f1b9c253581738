/**
 * Parts examples for cross-validation: the fold of each, as many as there are groups, at most so many. Examples that have
 * anything in common that they are about, be it through others, are a group and in one fold: what a fit has seen of a
 * picture is no proof that it holds for others. Groups come in their order, each where the fewest examples are.
 */
export function foldsOf(abouts: readonly (readonly string[])[], most: number): { folds: number[]; groups: number } {
  const groups = groupsOf(abouts);
  const sizes = new Map<number, number>();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const filled = Array.from({ length: Math.min(most, sizes.size) }, () => 0);
  const foldOf = new Map<number, number>();
  for (const [group, size] of sizes) {
    const fold = filled.indexOf(Math.min(...filled));
    filled[fold]! += size;
    foldOf.set(group, fold);
  }
  return { folds: groups.map((group) => foldOf.get(group)!), groups: sizes.size };
}

/** The group of each, by the first example in it. */
function groupsOf(abouts: readonly (readonly string[])[]): number[] {
  const parents = abouts.map((_, index) => index);
  const rootOf = (index: number): number => {
    let root = index;
    while (parents[root] !== root) root = parents[root] = parents[parents[root]!]!;
    return root;
  };
  const firstAbout = new Map<string, number>();
  for (const [index, about] of abouts.entries()) {
    for (const one of about) {
      const [here, there] = [rootOf(index), rootOf(firstAbout.get(one) ?? index)];
      firstAbout.set(one, (parents[Math.max(here, there)] = Math.min(here, there)));
    }
  }
  return parents.map((_, index) => rootOf(index));
}
