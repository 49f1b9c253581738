import { PixtralError } from '../base/errors.ts';

/** Whoever can reach a server can use it. @throws PixtralError `usage` */
export function checkExposed({ host, apiKey }: { host: string; apiKey: string | undefined }): void {
  const isLoopback = host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
  if (isLoopback || apiKey !== undefined) return;
  throw new PixtralError('usage', `--host ${host}: others can reach it, expected an --api-key`, {
    hint: 'PIXTRAL_API_KEY gives it without showing it in the list of processes',
  });
}
