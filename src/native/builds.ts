export type GpuKind = 'cuda' | 'vulkan' | 'metal' | 'cpu';
/** What a GPU is reached through. */
export type GpuBackend = Exclude<GpuKind, 'cpu'>;
/** What a build is for. */
export type BuildChoice = GpuBackend | 'off';
export type GpuChoice = BuildChoice | 'auto';
export type LogLevel = 'error' | 'warn' | 'info';

/** A build of llama.cpp among node-llama-cpp's packages. */
export interface Build {
  gpu: GpuKind;
  /** Path of its `llama-addon.node`. */
  addon: string;
  /** Folder of the backends that it loads. */
  backends: string;
}

/** llama.cpp as it is loaded in this process. */
export interface LoadedBuild {
  gpu: GpuKind;
  mathCores: number;
  systemInfo: string;
  dispose(): Promise<void>;
}
