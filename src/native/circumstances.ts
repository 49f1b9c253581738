import { readFile, readdir, stat } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';

/** Where drivers leave traces; one that comes, goes or changes can make another build the best one, or a bad one good. */
const driverTraces: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: [
    '/proc/driver/nvidia/version',
    '/dev/dri',
    '/dev/dxg',
    '/etc/vulkan/icd.d',
    '/usr/share/vulkan/icd.d',
    '/etc/ld.so.cache',
  ],
  win32: ['C:\\Windows\\System32\\nvcuda.dll', 'C:\\Windows\\System32\\vulkan-1.dll'],
};
const variables = [
  'LD_LIBRARY_PATH',
  'CUDA_VISIBLE_DEVICES',
  'VK_DRIVER_FILES',
  'VK_ICD_FILENAMES',
  'GGML_VK_VISIBLE_DEVICES',
];

/** What tells of drivers and of which devices they may use; read in a millisecond. */
export async function driverCircumstances(): Promise<string[]> {
  const traces = driverTraces[process.platform] ?? [];
  return [...(await Promise.all(traces.map(traceOf))), ...variables.map((name) => process.env[name] ?? '')];
}

/** The same with the versions of llama.cpp's package and the system, and the GPUs themselves. */
export async function gpuCircumstances(): Promise<string[]> {
  const { platform, arch } = process;
  return [await packageVersion(), platform, arch, release(), ...(await driverCircumstances()), ...(await pciGpus())];
}

/** Of node-llama-cpp. */
export async function packageVersion(): Promise<string> {
  const path = new URL('../package.json', import.meta.resolve('node-llama-cpp'));
  const description: unknown = JSON.parse(await readFile(path, 'utf8'));
  return typeof description === 'object' && description !== null && 'version' in description
    ? String(description.version)
    : '';
}

/** Names in a folder, the text of a kernel's file, size and time of another. */
export async function traceOf(path: string): Promise<string> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return (await readdir(path)).sort().join();
    return /^\/(proc|sys)\//.test(path) ? (await readFile(path, 'utf8')).trim() : `${found.size} ${found.mtimeMs}`;
  } catch {
    return '';
  }
}

/** PCI classes of displays and of accelerators. */
const gpuClass = /^0x(03|12)/;

/** Vendor and model of each, as Linux lists them. */
async function pciGpus(): Promise<string[]> {
  const folder = '/sys/bus/pci/devices';
  const found = await Promise.all(
    (await traceOf(folder)).split(',').map(async (name) => {
      const read = (file: string): Promise<string> => traceOf(join(folder, name, file));
      return gpuClass.test(await read('class')) ? `${await read('vendor')} ${await read('device')}` : '';
    }),
  );
  return found.filter((gpu) => gpu !== '');
}
