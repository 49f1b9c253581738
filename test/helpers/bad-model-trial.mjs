/** Stands in for model-trial-entry.ts: the projector's name says how the trial goes, and leaves a mark that it ran. */
import { appendFileSync } from 'node:fs';

const { mmproj } = JSON.parse(process.argv[3]);
appendFileSync(`${mmproj}.runs`, 'x');
process.on('disconnect', () => process.exit());
if (mmproj.endsWith('abort.gguf')) {
  process.stderr.write('/x/llama-model.cpp:1: GGML_ASSERT(n > 0) failed\n');
  process.abort();
}
if (mmproj.endsWith('kill.gguf')) process.kill(process.pid, 'SIGKILL');
process.send('lives', () => process.removeAllListeners('disconnect').disconnect());
