import { convertCheckpoint } from '../../src/engine/convert.ts';
import { plainOptions } from './converted.ts';

/** A conversion in a process of its own, which a SIGKILL ends after so many slices. */
const [checkpoint = '', out = '', slices = ''] = process.argv.slice(2);
let left = Number(slices);
await convertCheckpoint(checkpoint, {
  ...plainOptions('q4_k_m', out),
  onProgress: () => {
    if (--left === 0) process.kill(process.pid, 'SIGKILL');
  },
});
