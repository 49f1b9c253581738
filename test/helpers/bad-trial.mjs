/** Stands in for trial-entry.ts: the backend's name says how the trial goes. */
process.on('disconnect', () => process.exit());
const tell = (verdict) => process.send(verdict, () => process.removeAllListeners('disconnect').disconnect());
switch (process.argv[3]) {
  case 'abort':
    process.stderr.write('ggml_cuda_init: found 1 CUDA devices\n');
    process.stderr.write('CUDA error: the provided PTX was compiled with an unsupported toolchain.\n');
    process.stderr.write(
      '  current device: 0, in function ggml_cuda_compute_forward\n/x/ggml-cuda.cu:108: CUDA error\n',
    );
    process.abort();
    break;
  case 'hang':
    process.on('SIGTERM', () => {});
    for (;;);
  case 'late':
    process.send({ verdict: 'works', devices: [] }, () => process.abort());
    break;
  case 'killed':
    process.kill(process.pid, 'SIGKILL');
    break;
  case 'quiet':
    process.exit();
    break;
  case 'wrong':
    tell({
      verdict: 'fails',
      finding: 'GPU0 (a card) computes wrongly: differs from the CPU by 0.9, expected 0.05 at most',
    });
    break;
  case 'another':
    tell({ verdict: 'works', devices: ['GPU0 (another card)'] });
    break;
  case 'empty':
    tell({ verdict: 'no-device', finding: 'llama.cpp: finds no device for --gpu vulkan' });
    break;
  default:
    tell({ verdict: 'works', devices: [] });
}
