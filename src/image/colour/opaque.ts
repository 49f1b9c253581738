import type { Samples } from './to-srgb.ts';

/** Colours that were multiplied by how opaque they are, as they were before; in place. */
export function unmultiply({ values, maximum }: Samples): void {
  for (let at = 0; at < values.length; at += 4) {
    const alpha = values[at + 3]!;
    if (alpha === 0 || alpha >= maximum) continue;
    for (let channel = at; channel < at + 3; channel++) {
      values[channel] = Math.min(maximum, Math.round((values[channel]! * maximum) / alpha));
    }
  }
}
