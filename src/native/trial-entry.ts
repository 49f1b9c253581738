/** What trial.ts forks: tries one backend and reports. What goes wrong beyond that ends this process only. */
import { PixtralError, reasonOf } from '../base/errors.ts';
import { endWithParent } from '../base/own-process.ts';
import { type Device, deviceLabel, gpuDevices, mainDevice } from './devices.ts';
import type { GpuKind } from './builds.ts';
import type { Native } from './native.ts';
import { openNative } from './open-native.ts';
import { trialError } from './trial-graph.ts';
import type { Verdict } from './trial.ts';

/** Rounding inputs of products to 8 bits makes up to 0.01; a kernel that is wrong makes 0.2 to 1. */
const tolerance = 0.05;

endWithParent({ maxBytes: Infinity });
const verdict = await tryBackend(process.argv[3] as GpuKind);
process.send?.(verdict, () => process.removeAllListeners('disconnect').disconnect());

async function tryBackend(gpu: GpuKind): Promise<Verdict> {
  const native = await open(gpu);
  if (typeof native === 'string') return { verdict: 'no-build', finding: native };
  try {
    // A reason that is logged right before an abort would not get through JavaScript any more.
    native.ggml.logSet(null, null);
    const devices = gpu === 'cpu' ? [mainDevice(native)] : gpuDevices(native);
    if (native.gpu !== gpu || devices.length === 0) {
      return { verdict: 'no-device', finding: `llama.cpp: finds no device for --gpu ${gpu}` };
    }
    for (const device of devices) await tryDevice(native, device);
    return { verdict: 'works', devices: devices.map(deviceLabel) };
  } catch (thrown) {
    return { verdict: 'fails', finding: reasonOf(thrown) };
  } finally {
    await native.close();
  }
}

async function open(gpu: GpuKind): Promise<Native | string> {
  try {
    return await openNative({ gpu: gpu === 'cpu' ? 'off' : gpu, onLog: () => {} });
  } catch (thrown) {
    if (thrown instanceof PixtralError) return reasonOf(thrown);
    throw thrown;
  }
}

async function tryDevice(native: Native, device: Device): Promise<void> {
  const error = await trialError(native, device);
  if (error <= tolerance) return;
  throw new Error(
    `${deviceLabel(device)} computes wrongly: differs from the CPU by ${error}, expected ${tolerance} at most`,
  );
}
