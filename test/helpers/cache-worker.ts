/** Puts, gets and prunes a few entries at random; every payload that is got must be whole. Run by cache.test.ts. */
import { createHash } from 'node:crypto';
import { openCache } from '../../src/store/cache.ts';

const [folder = '', seed = '1'] = process.argv.slice(2);
const cache = openCache({ folder, limit: () => Promise.resolve(400_000) });
let state = Number(seed) * 7919;
const random = (count: number): number => (state = (state * 48_271) % 2_147_483_647) % count;

let hits = 0;
for (let turn = 0; turn < 300; turn++) {
  const index = random(5);
  const key = createHash('sha256').update(`entry ${index}`).digest();
  const payload = Buffer.alloc(50_000 + index * 1000, index);
  const found = await cache.get('prefix', key, 1e6);
  if (found === undefined) await cache.put('prefix', key, payload);
  else if (payload.equals(found)) hits++;
  else throw new Error(`entry ${index} is not what was put`);
  if (random(10) === 0) await cache.prune(100_000);
}
process.stdout.write(`hits ${hits}\n`);
