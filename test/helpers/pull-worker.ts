import { pullFine } from './pulls.ts';

/** A pull in a process of its own, which can be killed: a line for each piece that is done. */
const [endpoint = '', root = '', what = ''] = process.argv.slice(2);
await pullFine(what, {
  endpoint,
  root,
  type: 'q8_0',
  onProgress: () => process.stdout.write('piece\n'),
});
process.stdout.write('done\n');
