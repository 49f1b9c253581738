import { readFile, readdir, stat } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import { expectedVersion } from './native.ts';

/** What hides devices from a process, or names the drivers that it uses. */
const variables = ['CUDA_VISIBLE_DEVICES', 'GGML_VK_VISIBLE_DEVICES', 'VK_ICD_FILENAMES', 'VK_DRIVER_FILES'];

/** Runtime, system, GPUs and their drivers, in lines; as much of it as can be read in a few milliseconds. */
export async function machineText(env: NodeJS.ProcessEnv): Promise<string> {
  const parts = await Promise.all([nvidiaDriver(), pciGpus(), windowsDrivers(env)]);
  const chosen = variables.map((name) => `${name}=${env[name] ?? ''}`);
  return [expectedVersion, process.platform, process.arch, release(), ...chosen, ...parts.flat()].join('\n');
}

async function nvidiaDriver(): Promise<string> {
  return (await readFile('/proc/driver/nvidia/version', 'utf8').catch(() => '')).trim();
}

/** PCI classes of displays and of accelerators. */
const gpuClass = /^0x(03|12)/;

async function pciGpus(): Promise<string[]> {
  const folder = '/sys/bus/pci/devices';
  const names = await readdir(folder).catch(() => []);
  const read = (name: string, file: string): Promise<string> =>
    readFile(join(folder, name, file), 'utf8').then(
      (text) => text.trim(),
      () => '',
    );
  const found = await Promise.all(
    names.map(async (name) =>
      gpuClass.test(await read(name, 'class')) ? `${await read(name, 'vendor')} ${await read(name, 'device')}` : '',
    ),
  );
  return found.filter((gpu) => gpu !== '').sort((one, other) => (one < other ? -1 : 1));
}

/** Windows tells versions of drivers only slowly, but when their files were written. */
async function windowsDrivers({ SystemRoot: root }: NodeJS.ProcessEnv): Promise<string[]> {
  if (process.platform !== 'win32' || root === undefined) return [];
  const files = ['nvcuda.dll', 'vulkan-1.dll'].map((name) => join(root, 'System32', name));
  return Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ mtimeMs }) => String(mtimeMs),
        () => '',
      ),
    ),
  );
}
