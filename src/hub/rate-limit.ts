/** Lets through so many bytes a second, whoever asks, in small steps. */
export interface RateLimit {
  /** Resolves when that many more bytes may be taken; undefined: at once. */
  take(byteLength: number): Promise<void> | undefined;
}

export function rateLimit(bytesPerSecond: number): RateLimit {
  let free = performance.now(); // when what was taken so far is paid for
  return {
    take(byteLength) {
      const now = performance.now();
      free = Math.max(free, now) + (byteLength / bytesPerSecond) * 1000;
      const wait = free - now;
      return wait > 5 ? new Promise((resolve) => setTimeout(resolve, wait)) : undefined;
    },
  };
}
