import { readFileSync } from 'node:fs';
import { packageFolder } from '../base/place.ts';

/** `1.2.0` */
export function packageVersion(): string {
  const text = readFileSync(new URL('package.json', packageFolder), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
