/** True at most once in so many milliseconds, and not at first: what is over at once needs no progress. */
export function every(milliseconds: number): () => boolean {
  let last: number | undefined;
  return () => {
    const now = performance.now();
    last ??= now;
    if (now - last < milliseconds) return false;
    last = now;
    return true;
  };
}

/** `0:07`, `12:30`, `1:02:03` */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
}
