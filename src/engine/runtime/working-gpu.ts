import { PixtralError } from '../../base/errors.ts';
import { gpuCircumstances } from '../../native/circumstances.ts';
import { deviceLabel, gpuDevices } from '../../native/devices.ts';
import type { GpuBackend, GpuChoice } from '../../native/builds.ts';
import { gpuBackends } from '../../native/find-build.ts';
import type { Native } from '../../native/native.ts';
import { type NativeOptions, openNative } from '../../native/open-native.ts';
import { ownBuildTraces } from '../../native/own/usable.ts';
import { type Verdict, trialOptions, tryBackend } from '../../native/trial.ts';
import { type Verdicts, openVerdicts } from '../../store/verdicts.ts';

export interface GpuOptions {
  gpu: GpuChoice;
  /** Where verdicts are kept for later processes; without it each tries anew. */
  verdictFolder: string | undefined;
  /** A line that the user should read. */
  onNotice: (line: string) => void;
  signal: AbortSignal | undefined;
}

/** For whoever needs no GPU. */
export const noGpu: GpuOptions = { gpu: 'off', verdictFolder: undefined, onNotice: () => {}, signal: undefined };

/** What reaches the machine; tests have others. */
export interface Backends {
  candidates(how: { anew: boolean }): Promise<GpuBackend[]>;
  try(gpu: GpuBackend, signal: AbortSignal | undefined): Promise<Verdict>;
  open(options: NativeOptions): Promise<Native>;
}

export const backends: Backends = {
  candidates: gpuBackends,
  try: (gpu, signal) => tryBackend(gpu, { ...trialOptions, signal }),
  open: openNative,
};

type Failure = Extract<Verdict, { finding: string }>;

const remedies: Record<GpuBackend, string> = {
  cuda: 'an NVIDIA driver for CUDA 13.1 or newer may help, --gpu vulkan or --gpu off does without',
  vulkan: 'a newer driver of the graphics card may help, --gpu off does without',
  metal: 'a newer macOS may help, --gpu off does without',
};

/**
 * Loads llama.cpp for a GPU that a trial, now or earlier, has shown to compute rightly. `auto` takes the best of these,
 * else the CPU, and says what was passed over; where nothing hints at a GPU, nothing is tried.
 * @throws PixtralError `machine` when a backend that was asked for cannot be used; the reason of the signal
 */
export async function openWorking(
  options: GpuOptions & Pick<NativeOptions, 'onLog'>,
  machine: Backends = backends,
): Promise<Native> {
  const { gpu, onLog } = options;
  if (gpu === 'off') return machine.open({ gpu, onLog });
  if (gpu === 'auto') return openBest(options, machine);
  const opened = await openTried(gpu, { ...options, verdicts: await verdictsIn(options), machine });
  if (isFailure(opened)) throw refusal(gpu, opened);
  return opened;
}

/** Tries everything that a choice could mean, whatever was found earlier, and keeps what is found. */
export async function tryBackends(
  { gpu, verdictFolder, signal }: Omit<GpuOptions, 'onNotice'>,
  machine: Backends = backends,
): Promise<({ gpu: GpuBackend } & Verdict)[]> {
  const wanted = gpu === 'off' ? [] : gpu === 'auto' ? await machine.candidates({ anew: true }) : [gpu];
  const verdicts = wanted.length === 0 ? undefined : await verdictsIn({ verdictFolder });
  const found = [];
  for (const backend of wanted) {
    found.push({ gpu: backend, ...(await tryAnew(backend, { verdicts, signal, machine })) });
  }
  return found;
}

/** One line of what a backend's trial has found, and what may help. */
export function failureText(gpu: GpuBackend, { verdict, finding }: Failure): string {
  return verdict === 'fails' ? `--gpu ${gpu}: ${finding}; ${remedies[gpu]}` : finding;
}

async function openBest(options: Parameters<typeof openWorking>[0], machine: Backends): Promise<Native> {
  const { onLog, onNotice } = options;
  const candidates = await machine.candidates({ anew: false });
  const verdicts = candidates.length === 0 ? undefined : await verdictsIn(options);
  const failures: string[] = [];
  let native: Native | undefined;
  for (const gpu of candidates) {
    const opened = await openTried(gpu, { ...options, verdicts, machine });
    if (!isFailure(opened)) {
      native = opened;
      break;
    }
    if (opened.verdict === 'fails') failures.push(failureText(gpu, opened));
  }
  native ??= await machine.open({ gpu: 'off', onLog });
  for (const failure of failures) onNotice(`${failure}; going on with ${native.gpu}`);
  return native;
}

interface Trying {
  verdicts: Verdicts | undefined;
  signal: AbortSignal | undefined;
  machine: Backends;
}

async function openTried(
  backend: GpuBackend,
  { gpu, onLog, ...trying }: Trying & Pick<GpuOptions, 'gpu'> & Pick<NativeOptions, 'onLog'>,
): Promise<Native | Failure> {
  const earlier = await trying.verdicts?.get(backend);
  // Whoever names a backend that has failed may have mended it.
  const kept = gpu === 'auto' || earlier?.verdict === 'works' ? earlier : undefined;
  const verdict = kept ?? (await tryAnew(backend, trying));
  if (isFailure(verdict)) return verdict;
  const native = await trying.machine.open({ gpu: backend, onLog });
  if (!kept || isSame(verdict.devices, gpuDevices(native).map(deviceLabel))) return native;
  const again = await tryAnew(backend, trying); // for these devices
  if (!isFailure(again)) return native;
  await native.close();
  return again;
}

async function tryAnew(gpu: GpuBackend, { verdicts, signal, machine }: Trying): Promise<Verdict> {
  const verdict = await machine.try(gpu, signal);
  if (!isFailure(verdict) || !verdict.isKilled) await verdicts?.put(gpu, verdict);
  return verdict;
}

async function verdictsIn({ verdictFolder }: Pick<GpuOptions, 'verdictFolder'>): Promise<Verdicts | undefined> {
  if (verdictFolder === undefined) return undefined;
  const machine = [...(await gpuCircumstances()), ...(await ownBuildTraces())];
  return openVerdicts({ folder: verdictFolder, machine: machine.join('\n') });
}

function isFailure(opened: Native | Verdict): opened is Failure {
  return 'finding' in opened;
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.join('\n') === other.join('\n');
}

function refusal(gpu: GpuBackend, { verdict, finding }: Failure): PixtralError {
  if (verdict === 'fails') return new PixtralError('machine', `--gpu ${gpu}: ${finding}`, { hint: remedies[gpu] });
  return new PixtralError('machine', finding, {
    hint: 'try --gpu auto or --gpu off; pixtral doctor shows the devices',
  });
}
