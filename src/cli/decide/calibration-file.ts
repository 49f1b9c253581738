import { PixtralError } from '../../base/errors.ts';
import { readText } from '../batch/read-text.ts';

/** Temperatures by question, as `--calibrate` writes them. @throws PixtralError `input` for any other file */
export async function readTemperatures(path: string): Promise<Record<string, number>> {
  const text = await readText(path, 'a calibration');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PixtralError('input', `${path}: is no JSON, expected a calibration`, { cause });
  }
  const found = typeof value === 'object' && value !== null && 'temperatures' in value ? value.temperatures : undefined;
  if (typeof found === 'object' && found !== null) {
    const temperatures = Object.entries(found).map(([name, temperature]): [string, unknown] => [name, temperature]);
    if (temperatures.every((one): one is [string, number] => typeof one[1] === 'number' && one[1] > 0)) {
      return Object.fromEntries(temperatures);
    }
  }
  throw new PixtralError('input', `${path}: has no temperatures, expected what pixtral decide --calibrate writes`);
}
