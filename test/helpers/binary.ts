import { fileURLToPath } from 'node:url';

/** The built program, for `node`: `npm run build` comes first. */
export const binary = fileURLToPath(new URL('../../bin/pixtral.cjs', import.meta.url));
