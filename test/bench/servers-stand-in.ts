/** Stand-ins that answer after a while, in a process of their own: node servers-stand-in.ts COUNT MILLISECONDS */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const [count, milliseconds] = process.argv.slice(2).map(Number) as [number, number];
const models = JSON.stringify({ data: [{ id: 'pixtral-12b', owned_by: 'vllm' }] });
const answer = JSON.stringify({
  choices: [{ message: { content: 'A cat.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 3 },
});
/** Milliseconds that completions were in work, all together. */
let inWork = 0;

const urls: string[] = [];
for (let at = 0; at < count; at++) {
  const server = createServer((request, response) => {
    const start = performance.now();
    request.resume();
    request.on('end', () => {
      const isModels = request.method === 'GET';
      const end = (): void => {
        response.end(isModels ? models : answer);
        if (!isModels) inWork += performance.now() - start;
      };
      setTimeout(end, isModels ? 0 : milliseconds);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  urls.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}
process.send?.(urls);
process.on('message', () => {
  process.send?.(inWork);
  inWork = 0;
});
process.on('disconnect', () => process.exit()); // oxlint-disable-line no-process-exit
