/** Text as it may be shown while stop strings are watched for. */
export interface StopWatch {
  /** Adds text; returns what is safe to show, and the stop string that ended the answer, if one did. */
  push(text: string): { text: string; stop: string | undefined };
  /** What was held back, once no more text comes. */
  end(): string;
}

/** Holds back a tail that may be the beginning of a stop string; the stop string itself is never shown. */
export function stopWatch(stops: readonly string[]): StopWatch {
  const longest = Math.max(0, ...stops.map((stop) => stop.length));
  let held = '';
  return {
    push(text) {
      held += text;
      const first = firstStop(held, stops);
      if (first) return { text: take(first.at), stop: first.stop };
      return { text: take(held.length - possibleStart(held, stops, longest)), stop: undefined };
    },
    end: () => take(held.length),
  };

  function take(length: number): string {
    const text = held.slice(0, length);
    held = held.slice(length);
    return text;
  }
}

function firstStop(text: string, stops: readonly string[]): { at: number; stop: string } | undefined {
  return stops
    .map((stop) => ({ at: text.indexOf(stop), stop }))
    .filter(({ at }) => at >= 0)
    .toSorted((one, other) => one.at - other.at)[0];
}

/** Length of the longest tail of `text` that begins a stop string. */
function possibleStart(text: string, stops: readonly string[], longest: number): number {
  for (let length = Math.min(longest - 1, text.length); length > 0; length--) {
    const tail = text.slice(-length);
    if (stops.some((stop) => stop.startsWith(tail))) return length;
  }
  return 0;
}
