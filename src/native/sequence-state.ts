/**
 * The state of one sequence as llama.cpp writes it: magic, id, number of streams, then for each stream of the context a
 * count of cells, and what is in them where the count is not 0 (llama_context::state_seq_get_data,
 * llama_kv_cache::state_write of v0.5.0). It reads only what was written with the same number of streams.
 */
const streamsAt = 8;

/** Bytes that other streams, all empty in it, add to a state. */
export function otherStreamsByteLength(streams: number): number {
  return (streams - 1) * 4;
}

/** A state of a context of `streams` streams as one of a context of one; in its own memory, whose start is overwritten. */
export function toOneStream(state: Uint8Array, { stream, streams }: { stream: number; streams: number }): Uint8Array {
  const before = stream * 4;
  state.copyWithin(before, 0, streamsAt);
  const one = state.subarray(before, state.byteLength - otherStreamsByteLength(streams) + before);
  new DataView(one.buffer, one.byteOffset).setUint32(streamsAt, 1, true);
  return one;
}

/** A state of a context of one stream as one of a context of `streams`. */
export function toStreams(state: Uint8Array, streams: number): Uint8Array {
  if (streams === 1) return state;
  const whole = new Uint8Array(state.byteLength + otherStreamsByteLength(streams)); // the streams behind are empty
  whole.set(state);
  new DataView(whole.buffer).setUint32(streamsAt, streams, true);
  return whole;
}
