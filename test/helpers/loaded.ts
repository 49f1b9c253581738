import { after, before } from 'node:test';
import type { ConvertType } from '../../src/convert/types.ts';
import { DecoderModel } from '../../src/decoder/model.ts';
import { type ModelFiles, readModelFiles } from '../../src/engine/runtime/model-files.ts';
import { AbortFlag } from '../../src/native/abort-flag.ts';
import { openNative } from '../../src/native/open-native.ts';
import { type ConvertedPair, convertedPair } from './converted.ts';

interface LoadedDecoder {
  model: DecoderModel;
  /** Its GGUF file. */
  path: string;
  abort: AbortFlag;
}

/** The decoder of a tiny checkpoint on the CPU, there for the tests of the file that calls this. */
export function loadedDecoder(type: ConvertType): LoadedDecoder {
  const abort = new AbortFlag();
  const loaded = { abort } as LoadedDecoder;
  let release: (() => Promise<void>) | undefined;
  before(async () => {
    const native = await openNative({ gpu: 'off', onLog: () => {} });
    const pair = await convertedPair('mistral', type, native);
    const { model: gguf } = await readModelFiles(pair);
    const model = await DecoderModel.open({ native, gguf, gpuLayers: 0, abort, signal: undefined });
    loaded.model = model;
    loaded.path = pair.model;
    release = async () => {
      model.close();
      await pair.remove();
      await native.close();
    };
  });
  after(() => release?.());
  return loaded;
}

/** The files of a tiny checkpoint's pair, there for the tests of the file that calls this. */
export function convertedFiles(type: ConvertType): { files: ModelFiles } {
  const read = {} as { files: ModelFiles };
  let pair: ConvertedPair | undefined;
  before(async () => {
    pair = await convertedPair('mistral', type);
    read.files = await readModelFiles(pair);
  });
  after(() => pair?.remove());
  return read;
}
