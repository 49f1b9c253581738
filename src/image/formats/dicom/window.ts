import type { DicomHeader } from './header.ts';
import type { StoredSamples } from './samples.ts';

/** Grey from 0 to 255 of what the window shows. Source: DICOM PS3.3, C.11.2.1 */
export function windowed(stored: StoredSamples, header: DicomHeader): { values: Uint8Array; warnings: string[] } {
  const { slope, intercept, photometric } = header;
  const { share, warnings } = header.window
    ? { share: windowShare(header.window), warnings: [] }
    : spanShare(stored, header);
  const inverted = photometric === 'MONOCHROME1';
  const values = Uint8Array.from(stored, (value) => {
    const grey = Math.round(255 * Math.min(1, Math.max(0, share(value * slope + intercept))));
    return inverted ? 255 - grey : grey;
  });
  return { values, warnings };
}

type Share = (value: number) => number;

function windowShare({ centre, width, kind }: NonNullable<DicomHeader['window']>): Share {
  if (kind === 'SIGMOID') return (value) => 1 / (1 + Math.exp((-4 * (value - centre)) / width));
  if (kind === 'LINEAR_EXACT') return (value) => (value - centre) / width + 0.5;
  if (width <= 1) return (value) => (value <= centre - 0.5 ? 0 : 1);
  return (value) => (value - (centre - 0.5)) / (width - 1) + 0.5;
}

/** Eight bits need no window: they are meant to be looked at as they are. */
function spanShare(
  stored: StoredSamples,
  { stored: bits, signed, slope, intercept, padding }: DicomHeader,
): { share: Share; warnings: string[] } {
  if (bits <= 8 && !signed) {
    const [low, high] = [intercept, intercept + slope * (2 ** bits - 1)];
    return { share: (value) => (value - low) / (high - low), warnings: [] };
  }
  let [least, greatest] = [Infinity, -Infinity];
  for (const value of stored) {
    if (value === padding) continue;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  if (least > greatest) [least, greatest] = [0, 1];
  const low = Math.min(least, greatest) * slope + intercept;
  const span = Math.max(1, greatest - least) * slope;
  const top = low + span;
  const warning = `it says no window of values to be seen: the least, ${low}, is shown as black and the greatest, ${top}, as white`;
  return { share: (value) => (value - low) / span, warnings: [warning] };
}
