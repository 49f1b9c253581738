/** Tokens by their bytes, laid out so that a walk goes from left to right and skips what begins with what is refused. */
export interface TokenTrie {
  readonly nodes: number;
  /** The byte of each node. */
  readonly bytes: Uint8Array;
  /** Bytes before it. */
  readonly depths: Uint16Array;
  /** The first node that does not begin with it. */
  readonly ends: Int32Array;
  /** The token that ends with it, or -1. */
  readonly ids: Int32Array;
  /** Bytes of the longest token. */
  readonly longest: number;
}

/** Of the ids below `count` that have bytes. */
export function tokenTrie(count: number, bytesOf: (id: number) => Uint8Array): TokenTrie {
  const tokens = Array.from({ length: count }, (_, id) => ({ id, bytes: bytesOf(id) }))
    .filter(({ bytes }) => bytes.length > 0)
    .toSorted((one, other) => Buffer.compare(one.bytes, other.bytes));
  const most = tokens.reduce((sum, token) => sum + token.bytes.length, 0);
  const [bytes, depths] = [new Uint8Array(most), new Uint16Array(most)];
  const [ends, ids] = [new Int32Array(most), new Int32Array(most).fill(-1)];
  let nodes = 0;
  let longest = 0;
  const open: number[] = []; // the nodes of the token before
  for (const token of tokens) {
    let shared = 0;
    while (shared < open.length && bytes[open[shared]!] === token.bytes[shared]) shared++;
    while (open.length > shared) ends[open.pop()!] = nodes;
    for (const byte of token.bytes.subarray(shared)) {
      bytes[nodes] = byte;
      depths[nodes] = open.length;
      open.push(nodes++);
    }
    ids[open.at(-1)!] = token.id;
    longest = Math.max(longest, token.bytes.length);
  }
  while (open.length > 0) ends[open.pop()!] = nodes;
  return { nodes, bytes, depths, ends, ids, longest };
}
