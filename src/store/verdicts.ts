import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../base/files.ts';
import { readWhole } from '../base/read-whole.ts';
import type { GpuBackend } from '../native/builds.ts';
import type { Verdict } from '../native/trial.ts';

/** Verdicts of earlier processes. */
export interface Verdicts {
  get(gpu: GpuBackend): Promise<Verdict | undefined>;
  /** Where it cannot be kept, the next process tries again. */
  put(gpu: GpuBackend, verdict: Verdict): Promise<void>;
}

const maxBytes = 2 ** 20;

/** Raise it when a trial shows something else than before. */
const version = 1;
/** What fails may have been short of memory, or is mended by something that is not among the circumstances. */
const failureMilliseconds = 24 * 60 * 60 * 1000;

/** @param machine what verdicts depend on, as far as it can be known before a device is touched */
export function openVerdicts({ folder, machine }: { folder: string; machine: string }): Verdicts {
  const mark = createHash('sha256').update(machine).digest('hex').slice(0, 16);
  const pathOf = (gpu: GpuBackend): string => join(folder, `${gpu}-${mark}.json`);
  return {
    async get(gpu) {
      const bytes = await readWhole(pathOf(gpu), { maxBytes, what: 'a verdict', pipes: false }).catch(
        () => new Uint8Array(),
      );
      return verdictIn(new TextDecoder().decode(bytes), Date.now());
    },
    async put(gpu, verdict) {
      const bytes = Buffer.from(`${JSON.stringify({ version, at: Date.now(), ...verdict })}\n`);
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeWhole(pathOf(gpu), { bytes, force: true, signal: undefined });
      } catch {
        // read-only, full, or another process was faster
      }
    },
  };
}

/** Undefined for what is damaged, of another version or too old. */
function verdictIn(text: string, now: number): Verdict | undefined {
  const { version: itsVersion, at, verdict, devices, finding } = fieldsOf(text);
  if (itsVersion !== version || typeof at !== 'number') return undefined;
  if (verdict === 'works') return isListOfText(devices) ? { verdict, devices } : undefined;
  if (!isFailure(verdict) || typeof finding !== 'string') return undefined;
  return Math.abs(now - at) < failureMilliseconds ? { verdict, finding } : undefined;
}

function fieldsOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function isFailure(value: unknown): value is 'fails' | 'no-build' | 'no-device' {
  return value === 'fails' || value === 'no-build' || value === 'no-device';
}

function isListOfText(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
