import { type Pointer } from './bind.ts';
import { deviceType } from './ggml.ts';
import type { Native } from './native.ts';

/** A device that ggml can compute on. */
export interface Device {
  handle: Pointer;
  name: string;
  description: string;
  kind: 'cpu' | 'gpu' | 'integrated-gpu' | 'accelerator' | 'other';
  /** Bytes; of the CPU device: what ggml reports, which may be 0. */
  memoryFree: number;
  memoryTotal: number;
}

/** All devices of the loaded backends, in ggml's order. */
export function listDevices({ ggml }: Native): Device[] {
  const devices: Device[] = [];
  for (let index = 0; index < ggml.deviceCount(); index++) {
    const handle = ggml.device(index);
    if (handle === null) continue;
    const free = new BigUint64Array(1);
    const total = new BigUint64Array(1);
    ggml.deviceMemory(handle, free, total);
    devices.push({
      handle,
      name: ggml.deviceName(handle),
      description: ggml.deviceDescription(handle).trim(),
      kind: kindOf(ggml.deviceType(handle)),
      memoryFree: Number(free[0]),
      memoryTotal: Number(total[0]),
    });
  }
  return devices;
}

/** The device that computes the vision tower and most layers: a GPU if there is one. */
export function mainDevice(native: Native): Device {
  const devices = listDevices(native);
  const found =
    devices.find((device) => device.kind === 'gpu') ??
    devices.find((device) => device.kind === 'integrated-gpu') ??
    devices.find((device) => device.kind === 'cpu');
  if (!found) throw new Error('ggml has no CPU device');
  return found;
}

/** Where everything can be computed. */
export function cpuDevice(native: Native): Device | undefined {
  return listDevices(native).find(({ kind }) => kind === 'cpu');
}

/** Those that llama.cpp spreads a model's layers over besides the CPU. */
export function gpuDevices(native: Native): Device[] {
  const { kind } = mainDevice(native);
  return kind === 'cpu' ? [] : listDevices(native).filter((device) => device.kind === kind);
}

/** For people, and to tell whether devices are still the same. */
export function deviceLabel({ name, description }: Device): string {
  return `${name} (${description})`;
}

function kindOf(type: number): Device['kind'] {
  switch (type) {
    case deviceType.cpu:
      return 'cpu';
    case deviceType.gpu:
      return 'gpu';
    case deviceType.integratedGpu:
      return 'integrated-gpu';
    case deviceType.accelerator:
      return 'accelerator';
    default:
      return 'other';
  }
}
